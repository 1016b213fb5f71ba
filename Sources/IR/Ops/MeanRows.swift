import Diagnostics

/// Averages the rows of a matrix.
///
/// `y[0, d] = (1 / rows) * sum_t x[t, d]`. Operand: `x: [rows, dim]`. Result: `[1, dim]`.
///
/// - C1: `x` has rank 2.
public struct MeanRows: OpDefinition {
  /// Creates the op.
  public init() {}

  static let mnemonic = "mean_rows"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    OpFacts(
      inPlace: [], rows: .all, addends: [0], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false, work: nil)
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {}
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "x", operands[0], 2)
    return .f32(1, operands[0].shape[1])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (rows, dim) = (operands[0].rows, operands[0].columns)
    var sums = Array(repeating: 0.0, count: dim)
    for t in 0..<rows {
      for d in 0..<dim { sums[d] += Double(operands[0].values[t * dim + d]) }
    }
    return DenseTensor<S>(shape: [1, dim], values: sums.map { S($0 / Double(rows)) })
  }
}
