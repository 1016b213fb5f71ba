/// Results that are not numbers, in words.
public enum NonFinite {
  /// What usually makes such results.
  public static let hint =
    "the model's sums overflow, or its weights are damaged: 'vitc verify' and 'vitc selftest' tell"

  /// What is wrong with values that are not all finite; `nil` if they are.
  public static func text(_ values: [Float], of output: String) -> String? {
    guard let first = values.firstIndex(where: { !$0.isFinite }) else { return nil }
    let count = values.count { !$0.isFinite }
    return "\(count) of \(values.count) \(output) are NaN or infinite, "
      + "the first is \(values[first]) at \(first)"
  }
}
