import Diagnostics

/// Swaps the dimensions of a matrix.
///
/// `y[j, i] = x[i, j]`. Operand: `x: [rows, columns]`. Result: `[columns, rows]`.
///
/// - C1: `x` has rank 2.
public struct Transpose: OpDefinition {
  /// Creates a transpose.
  public init() {}

  static let mnemonic = "transpose"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  init(_ attributes: inout Attributes) throws(Diagnostic) {}
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "x", operands[0], 2)
    return .f32(operands[0].shape[1], operands[0].shape[0])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (rows, columns) = (operands[0].rows, operands[0].columns)
    var result = DenseTensor<S>(shape: [columns, rows])
    for i in 0..<rows {
      for j in 0..<columns { result.values[j * rows + i] = operands[0].values[i * columns + j] }
    }
    return result
  }
}
