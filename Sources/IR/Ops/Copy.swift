import Diagnostics

/// Copies a tensor to another place.
///
/// `y = x`. Written by the planner where a constant or a shared value must be in a buffer.
public struct Copy: OpDefinition {
  /// Creates a copy.
  public init() {}

  static let mnemonic = "copy"
  static let forms: Set<Form> = [.fused, .planned]
  static let operandCounts = 1...1
  var execution: Execution { .kernelAlways }
  func facts(_ operands: [TensorType]) -> OpFacts {
    OpFacts(
      inPlace: [], rows: .same([0]), addends: [0], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false, work: nil)
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {}
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    operands[0]
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> { operands[0] }
}
