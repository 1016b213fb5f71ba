/// Copies a tensor to another place.
///
/// `y = x`. Written by the planner where a constant or a shared value must stand in a buffer.
public struct Copy: OpDefinition {
  /// Creates a copy.
  public init() {}

  public static let mnemonic = "copy"
  public static let forms: Set<Form> = [.fused, .planned]
  public static let operandCounts = 1...1
  public init(_ attributes: inout Attributes) throws(Diagnostic) {}
  public func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    operands[0]
  }
  public func evaluate(_ operands: [Tensor]) -> Tensor { operands[0] }
}
