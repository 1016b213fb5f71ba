import Diagnostics
import Glibc

/// Makes each row positive with sum 1.
///
/// `y[.., n] = exp(x[.., n] - max_n x) / sum_n exp(x[.., n] - max_n x)`, along the last dimension.
/// With `causal`, row `t` of a matrix has only its first `t + 1` columns: the others are zero.
/// Attribute: `causal`, default false.
///
/// - C1: `x` has at least one dimension.
/// - C2: with `causal`, its last two extents are equal.
public struct Softmax: OpDefinition {
  /// `true` iff a row ends at the diagonal.
  public var isCausal: Bool

  /// Creates a softmax.
  public init(isCausal: Bool = false) { self.isCausal = isCausal }

  static let mnemonic = "softmax"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    OpFacts(
      inPlace: [0], rows: isCausal ? .all : .same([0]), addends: [], norm: nil, absorbs: [],
      spread: .any, carriesBF16: false, work: nil)
  }
  var attributes: Attributes {
    var list = Attributes()
    if isCausal { list.set("causal", .boolean(true)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    isCausal = try attributes.boolean("causal")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try require("C1", operands[0].rank > 0, "x: a scalar has no rows")
    try require(
      "C2", !isCausal || operands[0].rank > 1 && operands[0].shape.suffix(2).allEqual,
      "x: expected as many columns as rows, found \(operands[0])")
    return operands[0]
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    var result = operands[0]
    let n = result.columns
    for start in stride(from: 0, to: result.values.count, by: n) {
      let end = isCausal ? start / n % n + 1 : n
      let largest = Double(result.values[start..<start + end].max() ?? 0)
      let powers = (0..<end).map { Glibc.exp(Double(result.values[start + $0]) - largest) }
      let sum = powers.reduce(0, +)
      for i in 0..<n { result.values[start + i] = i < end ? S(powers[i] / sum) : 0 }
    }
    return result
  }
}

extension Collection where Element == Int {
  /// `true` iff no two differ.
  fileprivate var allEqual: Bool { Set(self).count < 2 }
}
