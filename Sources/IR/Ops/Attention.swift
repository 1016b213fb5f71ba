import Diagnostics
import Glibc

/// Multi-head scaled dot-product attention.
///
/// For each head `h`, with `q_h[t, d] = q[t, h * headDim + d]` and so on:
/// `y_h[t, d] = sum_s p[t, s] * v_h[s, d]`, `p[t, s] = b^(scale * q_h[t] . k_h[s] - m_t) / l_t`,
/// where `m_t` is the row's largest exponent, `l_t` makes the row's sum 1, and the base `b` is e,
/// or 2 with the attribute `base2` (log2 e has then been folded into `q`).
///
/// Operands: `q: [queries, heads * headDim]`, `k`, `v: [tokens, heads * headDim]`.
/// Results: `y: [queries, heads * headDim]`; with `weights`, also `p: [heads, queries, tokens]`.
/// Attributes: `heads`; `scale`, default 1; `base2`, `weights`, default false. Operands of bf16 are
/// multiplied as such and summed up in f32, powers are rounded to bf16 before they are multiplied
/// with values, and the result is bf16.
///
/// - C1: `q` has rank 2 and `heads` divides its columns, into even parts where it is bf16.
/// - C2: `k` and `v` have equal types and the columns of `q`.
/// - C3: with `weights`, operands are f32: rounded powers are not what anybody asks to see.
///
/// Reference: Vaswani et al. 2017, arXiv:1706.03762, equation 1.
public struct Attention: OpDefinition {
  /// The number of heads.
  public var heads: Int
  /// Multiplies the scores.
  public var scale: Float
  /// `true` iff the softmax is to base 2.
  public var base2: Bool
  /// `true` iff the weights of the values are a second result.
  public var hasWeights: Bool

  /// Creates an attention.
  public init(heads: Int, scale: Float = 1, base2: Bool = false, hasWeights: Bool = false) {
    self.heads = heads
    self.scale = scale
    self.base2 = base2
    self.hasWeights = hasWeights
  }

  static let mnemonic = "attention"
  static let forms: Set<Form> = [.imported, .fused, .planned]
  static let operandCounts = 3...3
  var roles: [OperandRole] { [.queries, .keys, .values] }
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    // Scores, then weighted values: each a multiply-add for each token and element of the queries.
    OpFacts(
      inPlace: [], rows: .same([0]), addends: [], norm: nil, absorbs: [0, 1, 2], spread: .balanced,
      carriesBF16: !hasWeights && (operands[0].shape.last ?? 0) / heads % 2 == 0,
      work: Work(
        flops: 4 * operands[0].count * operands[1].shape[0], element: operands[0].element,
        panels: nil))
  }
  var attributes: Attributes {
    var list = Attributes()
    list.set("heads", .integer(heads))
    if scale != 1 { list.set("scale", .number(scale)) }
    if base2 { list.set("base2", .boolean(true)) }
    if hasWeights { list.set("weights", .boolean(true)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    heads = try attributes.integer("heads")
    scale = try attributes.number("scale", default: 1)
    base2 = try attributes.boolean("base2")
    hasWeights = try attributes.boolean("weights")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireFloats("C1", "q", operands[0], 2)
    try require(
      "C1", heads > 0 && operands[0].shape[1] % heads == 0,
      "q: \(heads) heads do not divide \(operands[0])")
    try require(
      "C1", operands[0].element == .f32 || operands[0].shape[1] / heads % 2 == 0,
      "q: heads of bf16 have an even number of columns, found \(operands[0].shape[1] / heads)")
    try requireFloats("C2", "k", operands[1], 2)
    let expected = TensorType(operands[0].element, [operands[1].shape[0], operands[0].shape[1]])
    try require(
      "C2", operands[1] == expected && operands[2] == expected,
      "k and v: expected \(operands[0].element.rawValue)[_,\(operands[0].shape[1])], found "
        + "\(operands[1]) and \(operands[2])")
    try require(
      "C3", !hasWeights || operands[0].element == .f32,
      "weights: expected operands of f32, found \(operands[0])")
    return operands[0]
  }
  var furtherResults: [String] { hasWeights ? ["weights"] : [] }
  func resultTypes(of operands: [TensorType]) throws(Diagnostic) -> [TensorType] {
    let result = try resultType(of: operands)
    guard hasWeights else { return [result] }
    return [result, .f32(heads, operands[0].shape[0], operands[1].shape[0])]
  }
  func evaluate(_ operands: [Tensor]) -> Tensor { evaluateAll(operands)[0] }
  func evaluateAll(_ operands: [Tensor]) -> [Tensor] {
    let split = SplitHeads(heads: heads)
    let (q, k, v) = (
      split.evaluate([operands[0]]), split.evaluate([operands[1]]), split.evaluate([operands[2]])
    )
    let factor = base2 ? scale * Float(Glibc.log(2.0)) : scale
    let scores = Scale(factor).evaluate([MatMul(transposed: true).evaluate([q, k])])
    let weights = Softmax().evaluate([scores])
    let result = MergeHeads().evaluate([MatMul().evaluate([weights, v])])
    return hasWeights ? [result, weights] : [result]
  }
}
