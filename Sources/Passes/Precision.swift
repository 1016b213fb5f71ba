import IR

/// What large matmuls are computed in.
public enum Precision: String, CaseIterable, Sendable {
  /// Factors and sums of IEEE 754 binary32.
  case f32
  /// Factors rounded to bf16, sums in f32.
  case bf16
  /// Linear layers of the blocks in 8-bit integers, everything else as with `bf16`.
  case int8
}

extension Graph {
  /// The type of the operands of a node's matmuls; `nil` where it multiplies no matrices.
  public func precision(of node: Node) -> ElementType? { facts(of: node).work?.element }

  /// The types of what is multiplied at run time.
  public var multipliedTypes: Set<ElementType> {
    let constants = constants()
    return Set(nodes.indices.compactMap { constants[$0] ? nil : precision(of: nodes[$0]) })
  }

  /// The precisions of all matmuls at run time, with the part of the multiply-adds that each has,
  /// the largest first, such as `bf16 99.8 %, f32 0.2 %`.
  public var precisionSummary: String {
    let constants = constants()
    var flops: [ElementType: Int] = [:]
    for (index, node) in nodes.enumerated() where !constants[index] {
      guard let precision = precision(of: node) else { continue }
      flops[precision, default: 0] += self.flops(of: node)
    }
    let total = flops.values.reduce(0, +)
    func name(_ element: ElementType) -> String { element == .s8 ? "int8" : element.rawValue }
    if flops.count == 1, let only = flops.keys.first { return name(only) }
    return flops.sorted { ($0.value, $0.key.rawValue) > ($1.value, $1.key.rawValue) }
      .map { element, count in
        let perMille = (count * 1000 + total / 2) / max(1, total)
        return "\(name(element)) \(perMille / 10).\(perMille % 10) %"
      }.joined(separator: ", ")
  }
}
