import Diagnostics

/// Puts the heads' results beside each other: the inverse of `split_heads`.
///
/// `y[t, h * headDim + d] = x[h, t, d]`. Operand: `x: [heads, tokens, headDim]`.
/// Result: `[tokens, heads * headDim]`.
///
/// - C1: `x` has rank 3.
public struct MergeHeads: OpDefinition {
  /// Creates the op.
  public init() {}

  static let mnemonic = "merge_heads"
  static let forms: Set<Form> = [.imported]
  static let operandCounts = 1...1
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  init(_ attributes: inout Attributes) throws(Diagnostic) {}
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "x", operands[0], 3)
    let x = operands[0].shape
    return .f32(x[1], x[0] * x[2])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let x = operands[0].shape
    var values: [S] = []
    values.reserveCapacity(operands[0].values.count)
    for t in 0..<x[1] {
      for h in 0..<x[0] {
        let start = (h * x[1] + t) * x[2]
        values += operands[0].values[start..<start + x[2]]
      }
    }
    return DenseTensor<S>(shape: [x[1], x[0] * x[2]], values: values)
  }
}
