import Diagnostics

/// EvoNorm-S0: a gate by each element itself, over the deviation of its group, then a scale and a
/// shift of each column: a norm and an activation in one.
///
/// `y[t, c] = x[t, c] * sigmoid(gate[c] * x[t, c]) / sqrt(variance_g + epsilon) * scale[c]
/// + shift[c]`, where column `c` belongs to group `g = c * groups / channels`
///
/// The (biased) variance is that of `x` over all rows and all columns of a group, about its mean;
/// the mean itself is not taken off. Operands: `x: [pixels, channels]`, `scale: [channels]`,
/// `shift: [channels]`, `gate: [channels]`. Result: the shape of `x`. Attributes: `groups`, which
/// divides the channels; `epsilon`, added to the variance (1e-5 in timm).
///
/// - C1: `x` has rank 2.
/// - C2: `scale`, `shift` and `gate` have shape `[channels]`.
/// - C3: `groups` is at least 1 and divides the channels.
///
/// Reference: Liu et al. 2020, arXiv:2004.02967, table 2; `EvoNorm2dS0` of timm.
public struct EvoNorm: OpDefinition {
  /// The number of groups.
  public var groups: Int
  /// The term added to the variance before the square root.
  public var epsilon: Float

  /// Creates the op.
  public init(groups: Int, epsilon: Float) {
    self.groups = groups
    self.epsilon = epsilon
  }

  static let mnemonic = "evo_norm"
  static let forms = Set(Form.allCases)
  static let operandCounts = 4...4
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    // The variance is of the whole matrix: no row by itself.
    OpFacts(
      inPlace: [0], rows: .all, addends: [], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false, work: nil)
  }
  var attributes: Attributes {
    var list = Attributes()
    list.set("groups", .integer(groups))
    list.set("epsilon", .number(epsilon))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    groups = try attributes.integer("groups")
    epsilon = try attributes.number("epsilon")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "x", operands[0], 2)
    let channels = operands[0].shape[1]
    for (operand, what) in zip(operands.dropFirst(), ["scale", "shift", "gate"]) {
      try requireType("C2", what, operand, .f32(channels))
    }
    try require(
      "C3", groups > 0 && channels % groups == 0,
      "groups: expected a divisor of \(channels), found \(groups)")
    return operands[0]
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (x, scale, shift, gate) = (
      operands[0], operands[1].values, operands[2].values, operands[3].values
    )
    let moments = x.groupMoments(groups: groups, epsilon: epsilon)
    let (rows, channels) = (x.rows, x.columns)
    return DenseTensor<S>(shape: x.shape) { y in
      x.values.withUnsafeBufferPointer { x in
        for t in 0..<rows {
          for c in 0..<channels {
            let value = Double(x[t * channels + c])
            let share = ActivationFunction.sigmoid(Double(gate[c]) * value)
            let factor = moments[c * groups / channels].factor
            y[t * channels + c] = S(value * share * factor * Double(scale[c]) + Double(shift[c]))
          }
        }
      }
    }
  }
}
