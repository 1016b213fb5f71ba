import Diagnostics

/// The scale and shift of each channel that a batch norm with fixed statistics is.
///
/// `y[0, c] = weight[c] / sqrt(variance[c] + epsilon)` and `y[1, c] = bias[c] - mean[c] * y[0, c]`.
/// Operands: `weight`, `bias`, `mean` and `variance: [channels]`. Result: `[2, channels]`, which
/// `normalize` reads. Attribute: `epsilon`. Of constants only.
///
/// - C1: the operands are f32 of rank 1 and of one extent.
///
/// Reference: Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 2.
public struct BatchScaleShift: OpDefinition {
  /// Added to the variance.
  public var epsilon: Float

  /// Creates the op.
  public init(epsilon: Float) { self.epsilon = epsilon }

  static let mnemonic = "batch_scale_shift"
  static let forms = Set(Form.allCases)
  static let operandCounts = 4...4
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("epsilon", .number(epsilon))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    epsilon = try attributes.number("epsilon")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    for (name, type) in zip(["weight", "bias", "mean", "variance"], operands) {
      try requireRank("C1", name, type, 1)
      try requireType("C1", name, type, .f32(operands[0].shape[0]))
    }
    return .f32(2, operands[0].shape[0])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let channels = operands[0].values.count
    var result = DenseTensor<S>(shape: [2, channels])
    for c in 0..<channels {
      let variance = Double(operands[3].values[c]) + Double(epsilon)
      let scale = Double(operands[0].values[c]) / variance.squareRoot()
      result.values[c] = S(scale)
      result.values[channels + c] =
        S(Double(operands[1].values[c]) - Double(operands[2].values[c]) * scale)
    }
    return result
  }
}
