import Diagnostics

/// One layer of attention rollout: how a row that weighs the tokens after a layer weighs those
/// before it, the residual counted as half.
///
/// `y[0, j] = (v[0, j] + sum_i v[0, i] * a[i, j]) / 2`: the row times `(a + 1) / 2`. Operands:
/// `v: [1, tokens]`; `a: [tokens, tokens]`, attention weights averaged over heads. Result:
/// `[1, tokens]`. From the last layer to the first it makes of the class token's row the row of the
/// product of all layers, in `2 tokens^2` operations each.
///
/// - C1: `v` is one row.
/// - C2: `a` is a square of as many tokens.
///
/// Reference: Abnar and Zuidema 2020, arXiv:2005.00928, section 3.
public struct Rollout: OpDefinition {
  /// Creates the op.
  public init() {}

  static let mnemonic = "rollout"
  static let forms = Set(Form.allCases)
  static let operandCounts = 2...2
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    // Its only row, of the only one.
    OpFacts(
      inPlace: [], rows: .same([0]), addends: [], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false, work: nil)
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {}
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "v", operands[0], 2)
    try require("C1", operands[0].shape[0] == 1, "v: expected one row, found \(operands[0])")
    let tokens = operands[0].shape[1]
    try requireType("C2", "a", operands[1], .f32(tokens, tokens))
    return operands[0]
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (v, a) = (operands[0].values, operands[1].values)
    let tokens = v.count
    let values = (0..<tokens).map { j -> S in
      let sum = (0..<tokens).reduce(0.0) { $0 + Double(v[$1]) * Double(a[$1 * tokens + j]) }
      return S((Double(v[j]) + sum) / 2)
    }
    return DenseTensor<S>(shape: [1, tokens], values: values)
  }
}
