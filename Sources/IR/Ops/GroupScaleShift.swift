import Diagnostics

/// Turns the moments of a tensor into the scale and shift of each channel that a group norm is.
///
/// With `n_k` the rows of chunk `k`, `N = rows * channels / groups`, and sums over the chunks and
/// the channels of a group: `mean = sum s / N`,
/// `variance = sum (q + n_k * (s / n_k - mean)^2) / N`,
/// `y[0, c] = gamma[c] / sqrt(variance + epsilon)` and `y[1, c] = beta[c] - mean * y[0, c]`.
///
/// Operands: `moments: [2 * chunks, channels]` as `moments` makes them (`s` above `q`),
/// `gamma: [channels]`, `beta: [channels]`. Result: `[2, channels]`. Attributes: `groups`;
/// `epsilon`, added to the biased variance; `rows` and `chunk`, of what the moments describe.
///
/// - C1: `moments` has rank 2 and the rows that `rows` and `chunk` say.
/// - C2: `groups` divides the channels.
/// - C3: `gamma` and `beta` have shape `[channels]`.
///
/// Reference: Wu and He 2018, arXiv:1803.08494, equations 1 and 2.
public struct GroupScaleShift: OpDefinition {
  /// The number of groups of channels.
  public var groups: Int
  /// The term added to the variance before the square root.
  public var epsilon: Float
  /// The rows of the tensor.
  public var rows: Int
  /// The rows of a chunk.
  public var chunk: Int

  /// Creates the op.
  public init(groups: Int, epsilon: Float, rows: Int, chunk: Int) {
    self.groups = groups
    self.epsilon = epsilon
    self.rows = rows
    self.chunk = chunk
  }

  static let mnemonic = "group_scale_shift"
  static let forms: Set<Form> = [.fused, .planned]
  static let operandCounts = 3...3
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("groups", .integer(groups))
    list.set("epsilon", .number(epsilon))
    list.set("rows", .integer(rows))
    list.set("chunk", .integer(chunk))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    groups = try attributes.integer("groups")
    epsilon = try attributes.number("epsilon")
    rows = try attributes.integer("rows")
    chunk = try attributes.integer("chunk")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "moments", operands[0], 2)
    let (extent, channels) = (operands[0].shape[0], operands[0].shape[1])
    try require(
      "C1",
      rows > 0 && rows <= TensorType.maximumCount && chunk > 0 && chunk <= rows
        && extent == 2 * Moments.chunks(rows: rows, chunk: chunk),
      "moments: \(operands[0]) does not describe \(rows) rows in chunks of \(chunk)")
    try require(
      "C2", groups > 0 && channels % groups == 0,
      "groups: \(groups) does not divide \(channels) channels")
    for (operand, what) in zip(operands.dropFirst(), ["gamma", "beta"]) {
      try requireType("C3", what, operand, .f32(channels))
    }
    return .f32(2, channels)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (moments, gamma, beta) = (operands[0], operands[1], operands[2])
    let channels = moments.columns
    let chunks = moments.rows / 2
    let width = channels / groups
    let count = Double(rows * width)
    func size(_ k: Int) -> Double { Double(min((k + 1) * chunk, rows) - k * chunk) }
    var result = DenseTensor<S>(shape: [2, channels])
    for group in 0..<groups {
      let members = group * width..<(group + 1) * width
      func total(_ term: (_ k: Int, _ c: Int) -> Double) -> Double {
        (0..<chunks).reduce(0.0) { sum, k in members.reduce(sum) { $0 + term(k, $1) } }
      }
      let mean = total { Double(moments.values[$0 * channels + $1]) } / count
      let squares = total { k, c in
        let distance = Double(moments.values[k * channels + c]) / size(k) - mean
        return Double(moments.values[(chunks + k) * channels + c]) + size(k) * distance * distance
      }
      let factor = 1 / (squares / count + Double(epsilon)).squareRoot()
      for c in members {
        let scale = Double(gamma.values[c]) * factor
        result.values[c] = S(scale)
        result.values[channels + c] = S(Double(beta.values[c]) - mean * scale)
      }
    }
    return result
  }
}
