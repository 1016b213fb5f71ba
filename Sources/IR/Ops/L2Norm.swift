import Diagnostics

/// Divides the columns of each head by their Euclidean norm.
///
/// `y[t, h * n + d] = x[t, h * n + d] / max(sqrt(sum_d(x[t, h * n + d]^2)), epsilon) * scale[h]`,
/// `n` columns a head. Operands: `x: [tokens, heads * n]`; optionally `scale: [heads]`, without
/// which nothing is multiplied. Attributes: `heads`; `epsilon`.
///
/// - C1: `x` has rank 2, and `heads` divides its columns.
/// - C2: `scale` has shape `[heads]`.
/// - C3: `epsilon` is positive.
///
/// Reference: Liu et al. 2021, arXiv:2111.09883, equation 2; PyTorch's `normalize`.
public struct L2Norm: OpDefinition {
  /// The number of heads.
  public var heads: Int
  /// The least that columns are divided by.
  public var epsilon: Float

  /// Creates a norm of heads.
  public init(heads: Int, epsilon: Float) {
    self.heads = heads
    self.epsilon = epsilon
  }

  static let mnemonic = "l2_norm"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...2
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    // The scale may be large, as that of a cosine's softmax is: errors are not absorbed.
    OpFacts(
      inPlace: [0], rows: .same([0]), addends: [], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false, work: nil)
  }
  var attributes: Attributes {
    var list = Attributes()
    list.set("heads", .integer(heads))
    list.set("epsilon", .number(epsilon))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    heads = try attributes.integer("heads")
    epsilon = try attributes.number("epsilon")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "x", operands[0], 2)
    try require(
      "C1", heads > 0 && operands[0].shape[1] % heads == 0,
      "x: \(heads) heads do not divide \(operands[0])")
    if operands.count > 1 { try requireType("C2", "scale", operands[1], .f32(heads)) }
    try require("C3", epsilon > 0, "epsilon: \(epsilon) is not positive")
    return operands[0]
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    var result = operands[0]
    let width = result.columns / heads
    for (index, start) in stride(from: 0, to: result.values.count, by: width).enumerated() {
      let squares = result.values[start..<start + width].reduce(0.0) {
        $0 + Double($1) * Double($1)
      }
      let scale = operands.count > 1 ? Double(operands[1].values[index % heads]) : 1
      let factor = scale / max(squares.squareRoot(), Double(epsilon))
      for place in start..<start + width {
        result.values[place] = S(Double(result.values[place]) * factor)
      }
    }
    return result
  }
}
