import Diagnostics

/// The mean distance at which each head attends: over the patches as queries and keys, the weights
/// of a query made of sum 1 again without the tokens before the patches.
///
/// With `s = start`: `y[0, h] = (1 / places) * sum_i (sum_j p[h, s + i, s + j] * d[i, j])
/// / (sum_j p[h, s + i, s + j])`. A query whose weights all are on other tokens counts as zero.
/// Operands: `p: [heads, tokens, tokens]`; `d: [places, places]` (`distance_table`). Result:
/// `[1, heads]`, in units of `d`. Attribute: `start`, default 0.
///
/// - C1: `p` has rank 3 and as many queries as tokens.
/// - C2: `d` is a square of the tokens from `start` on.
///
/// Reference: Dosovitskiy et al. 2020, arXiv:2010.11929, figure 7 right, "weighted mean".
public struct AttentionDistance: OpDefinition {
  /// The first patch among the tokens.
  public var start: Int

  /// Creates the op.
  public init(start: Int = 0) { self.start = start }

  static let mnemonic = "attention_distance"
  static let forms = Set(Form.allCases)
  static let operandCounts = 2...2
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    if start != 0 { list.set("start", .integer(start)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    start = try attributes.integer("start", default: 0)
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "p", operands[0], 3)
    let shape = operands[0].shape
    try require("C1", shape[1] == shape[2], "p: expected squares, found \(operands[0])")
    try require(
      "C2", start >= 0 && start < shape[2],
      "start: \(start) is not one of the tokens of \(operands[0])")
    let places = shape[2] - start
    try requireType("C2", "d", operands[1], .f32(places, places))
    return .f32(1, shape[0])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (p, d) = (operands[0], operands[1])
    let tokens = p.shape[2]
    let places = tokens - start
    let means = (0..<p.shape[0]).map { head -> S in
      var mean = 0.0
      for i in 0..<places {
        let first = (head * tokens + start + i) * tokens + start
        var (sum, weighted) = (0.0, 0.0)
        for j in 0..<places {
          let weight = Double(p.values[first + j])
          sum += weight
          weighted += weight * Double(d.values[i * places + j])
        }
        if sum != 0 { mean += weighted / sum }
      }
      return S(mean / Double(places))
    }
    return DenseTensor<S>(shape: [1, means.count], values: means)
  }
}
