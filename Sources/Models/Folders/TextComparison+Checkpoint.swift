import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension TextComparison {
  /// Reads what a checkpoint says, with what its family says besides; `nil` where it has no scale.
  ///
  /// - Parameters:
  ///   - scale: The tensor of the logarithm of the scale.
  ///   - bias: The tensor of the bias, which may be absent: 0.
  /// - Throws: A tensor that is not one finite number.
  static func read(
    _ rule: Rule, in checkpoint: any Checkpoint, scale: String, bias: String
  ) throws(Diagnostic) -> TextComparison? {
    guard var logarithm = try number(scale, in: checkpoint) else { return nil }
    if let largest = rule.largestScale { logarithm = min(max(logarithm, 0), log(largest)) }
    let found = try number(bias, in: checkpoint)
    return TextComparison(
      scale: exp(logarithm), bias: found ?? 0,
      scores: rule.scores ?? (found == nil ? .softmax : .sigmoid))
  }

  private static func number(
    _ name: String, in checkpoint: any Checkpoint
  ) throws(Diagnostic) -> Double? {
    guard let type = checkpoint.type(of: name) else { return nil }
    guard type.shape.allSatisfy({ $0 == 1 }) else {
      throw Diagnostic(
        "expected one number, found \(type)", at: .tensor(name, file: checkpoint.path))
    }
    let value = try checkpoint.read(name).values.first.map { Double($0) } ?? .nan
    guard value.isFinite else {
      throw Diagnostic("is not a finite number", at: .tensor(name, file: checkpoint.path))
    }
    return value
  }
}
