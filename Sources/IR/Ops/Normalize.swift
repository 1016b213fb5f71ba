import Diagnostics

/// Scales and shifts each channel, adds a second tensor that may be scaled and shifted too, and
/// applies an activation: batch norms, and group norms whose readers cannot do it themselves.
///
/// `y[i, c] = activation(x[i, c] * scale_shift[0, c] + scale_shift[1, c] + r[i, c])`, where
/// `r = residual`, or `residual[i, c] * residual_scale_shift[0, c] + residual_scale_shift[1, c]`,
/// or 0.
///
/// Operands: `x: [rows, channels]`, `scale_shift: [2, channels]`; then `residual: [rows, channels]`
/// and `residual_scale_shift: [2, channels]` where present. Result: `[rows, channels]`.
/// Attribute: `activation`, default none. `scale_shift` is what `group_scale_shift` or
/// `batch_scale_shift` makes.
///
/// - C1: `x` has rank 2.
/// - C2: scale and shift have shape `[2, channels]`.
/// - C3: `residual` has the shape of `x`.
public struct Normalize: OpDefinition {
  /// Applied to the sum; `nil`: none.
  public var activation: ActivationFunction?

  /// Creates a normalization.
  public init(activation: ActivationFunction? = nil) { self.activation = activation }

  static let mnemonic = "normalize"
  static let forms = Set(Form.allCases)
  static let operandCounts = 2...4
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    let elementwise = operands.count > 2 ? [0, 2] : [0]
    // The spread is that of a convolutional backbone, which 8-bit integers do not hold well enough.
    return OpFacts(
      inPlace: elementwise, rows: .same(elementwise), addends: [], norm: nil,
      absorbs: [], spread: .any, carriesBF16: false, work: nil)
  }
  var attributes: Attributes {
    var list = Attributes()
    if let activation { list.set("activation", .text(activation.rawValue)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    activation = attributes.value("activation") == nil ? nil : try attributes.choice("activation")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "x", operands[0], 2)
    let channels = operands[0].shape[1]
    try requireType("C2", "scale_shift", operands[1], .f32(2, channels))
    if operands.count > 2 { try requireType("C3", "residual", operands[2], operands[0]) }
    if operands.count > 3 {
      try requireType("C2", "residual_scale_shift", operands[3], .f32(2, channels))
    }
    return operands[0]
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    var result = operands[0]
    let channels = result.columns
    func scaled(_ x: DenseTensor<S>, _ scaleShift: DenseTensor<S>?, _ index: Int) -> Double {
      let value = Double(x.values[index])
      guard let scaleShift else { return value }
      let channel = index % channels
      return value * Double(scaleShift.values[channel])
        + Double(scaleShift.values[channels + channel])
    }
    for index in result.values.indices {
      var y = scaled(operands[0], operands[1], index)
      if operands.count > 2 {
        y += scaled(operands[2], operands.count > 3 ? operands[3] : nil, index)
      }
      result.values[index] = S(activation?(y) ?? y)
    }
    return result
  }
}
