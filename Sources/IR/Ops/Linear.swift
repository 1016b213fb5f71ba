import Diagnostics

/// Multiplies each row by a matrix and adds a vector.
///
/// `y[m, n] = sum_k x[m, k] * weight[n, k] + bias[n]`
///
/// Operands: `x: [rows, in]`, `weight: [out, in]`, optionally `bias: [out]`. Result: `[rows, out]`.
///
/// - C1: `x` has rank 2.
/// - C2: `weight` has rank 2 and as many columns as `x`.
/// - C3: `bias` has shape `[out]`.
public struct Linear: OpDefinition {
  /// Creates a linear layer.
  public init() {}

  static let mnemonic = "linear"
  static let forms = Set(Form.allCases)
  static let operandCounts = 2...3
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts {
    OpFacts(
      inPlace: [], rows: .same([0]), addends: [], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false,
      work: Work(
        flops: 2 * operands[0].shape[0] * operands[1].count, element: operands[1].element,
        panels: nil))
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {}
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "x", operands[0], 2)
    try requireRank("C2", "weight", operands[1], 2)
    let (x, weight) = (operands[0].shape, operands[1].shape)
    try require(
      "C2", weight[1] == x[1], "weight: expected [_,\(x[1])], found \(operands[1])")
    if operands.count > 2 { try requireType("C3", "bias", operands[2], .f32(weight[0])) }
    return .f32(x[0], weight[0])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (x, weight) = (operands[0], operands[1])
    var result = MatMul(transposed: true).evaluate([x, weight])
    if operands.count > 2 { result = Add().evaluate([result, operands[2]]) }
    return result
  }
}
