import Diagnostics
import Glibc

/// Makes each row positive with sum 1.
///
/// `y[.., n] = exp(x[.., n] - max_n x) / sum_n exp(x[.., n] - max_n x)`, along the last dimension.
///
/// - C1: `x` has at least one dimension.
public struct Softmax: OpDefinition {
  /// Creates a softmax.
  public init() {}

  static let mnemonic = "softmax"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    OpFacts(
      inPlace: [0], rows: .same([0]), addends: [], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false, work: nil)
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {}
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try require("C1", operands[0].rank > 0, "x: a scalar has no rows")
    return operands[0]
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    var result = operands[0]
    let n = result.columns
    for start in stride(from: 0, to: result.values.count, by: n) {
      let largest = Double(result.values[start..<start + n].max() ?? 0)
      let powers = (0..<n).map { Glibc.exp(Double(result.values[start + $0]) - largest) }
      let sum = powers.reduce(0, +)
      for i in 0..<n { result.values[start + i] = S(powers[i] / sum) }
    }
    return result
  }
}
