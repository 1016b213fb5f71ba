import Diagnostics

/// Normalizes each group of columns to zero mean and unit variance, then scales and shifts each
/// column.
///
/// `y[t, c] = (x[t, c] - mean_g) / sqrt(variance_g + epsilon) * scale[c] + shift[c]`, where column
/// `c` belongs to group `g = c * groups / channels`
///
/// Mean and (biased) variance are those of all rows and of all columns of a group. Operands:
/// `x: [pixels, channels]`, `scale: [channels]`, `shift: [channels]`. Result: the shape of `x`.
/// Attributes: `groups`, which divides the channels; `epsilon`, the term added to the variance
/// (dimensionless; 1e-5 in Big Transfer, timm and Hugging Face, 1e-6 in the ResNets of JAX's
/// Vision Transformers).
///
/// - C1: `x` has rank 2.
/// - C2: `scale` and `shift` have shape `[channels]`.
/// - C3: `groups` is at least 1 and divides the channels.
///
/// Reference: Wu and He 2018, arXiv:1803.08494, equations 1 to 6.
public struct GroupNorm: OpDefinition {
  /// The number of groups.
  public var groups: Int
  /// The term added to the variance before the square root.
  public var epsilon: Float

  /// Creates a group norm.
  public init(groups: Int, epsilon: Float) {
    self.groups = groups
    self.epsilon = epsilon
  }

  static let mnemonic = "group_norm"
  static let forms = Set(Form.allCases)
  static let operandCounts = 3...3
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    // It normalizes the whole matrix: no row by itself.
    OpFacts(
      inPlace: [0], rows: .all, addends: [], norm: nil, absorbs: [0], spread: .balanced,
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
    for (operand, what) in zip(operands.dropFirst(), ["scale", "shift"]) {
      try requireType("C2", what, operand, .f32(channels))
    }
    try require(
      "C3", groups > 0 && channels % groups == 0,
      "groups: expected a divisor of \(channels), found \(groups)")
    return operands[0]
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (x, scale, shift) = (operands[0], operands[1].values, operands[2].values)
    let moments = x.groupMoments(groups: groups, epsilon: epsilon)
    let (rows, channels) = (x.rows, x.columns)
    return DenseTensor<S>(shape: x.shape) { y in
      x.values.withUnsafeBufferPointer { x in
        for t in 0..<rows {
          for c in 0..<channels {
            let (mean, factor) = moments[c * groups / channels]
            let normal = (Double(x[t * channels + c]) - mean) * factor
            y[t * channels + c] = S(normal * Double(scale[c]) + Double(shift[c]))
          }
        }
      }
    }
  }
}
