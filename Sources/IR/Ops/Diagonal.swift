import Diagnostics

/// The matrix with a vector on its diagonal and zeros elsewhere.
///
/// `y[i, i] = x[i]`. Operand: `x: [dim]`. Result: `[dim, dim]`. Of constants only.
///
/// - C1: `x` is f32 of rank 1.
public struct Diagonal: OpDefinition {
  /// Creates the op.
  public init() {}

  static let mnemonic = "diagonal"
  static let forms: Set<Form> = [.fused, .planned]
  static let operandCounts = 1...1
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  init(_ attributes: inout Attributes) throws(Diagnostic) {}
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "x", operands[0], 1)
    return .f32(operands[0].shape[0], operands[0].shape[0])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let dim = operands[0].values.count
    var result = DenseTensor<S>(shape: [dim, dim])
    for (i, value) in operands[0].values.enumerated() { result.values[i * dim + i] = value }
    return result
  }
}
