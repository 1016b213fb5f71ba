import Diagnostics

/// Filter response normalization with a thresholded linear unit: each column over the root of its
/// mean square, scaled and shifted, and no less than a learned threshold.
///
/// `y[t, c] = max(x[t, c] / sqrt(mean_t x[t, c]^2 + epsilon) * scale[c] + shift[c], threshold[c])`
///
/// Operands: `x: [pixels, channels]`, `scale: [channels]`, `shift: [channels]`,
/// `threshold: [channels]`. Result: the shape of `x`. Attribute: `epsilon`, added to the mean
/// square (1e-5 in timm).
///
/// - C1: `x` has rank 2.
/// - C2: `scale`, `shift` and `threshold` have shape `[channels]`.
///
/// Reference: Singh and Krishnan 2019, arXiv:1911.09737, equations 1 to 3;
/// `FilterResponseNormTlu2d` of timm.
public struct FilterResponseNorm: OpDefinition {
  /// The term added to the mean square before the square root.
  public var epsilon: Float

  /// Creates the op.
  public init(epsilon: Float) { self.epsilon = epsilon }

  static let mnemonic = "filter_response_norm"
  static let forms = Set(Form.allCases)
  static let operandCounts = 4...4
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    // The mean square is that of all rows.
    OpFacts(
      inPlace: [0], rows: .all, addends: [], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false, work: nil)
  }
  var attributes: Attributes {
    var list = Attributes()
    list.set("epsilon", .number(epsilon))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    epsilon = try attributes.number("epsilon")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "x", operands[0], 2)
    for (operand, what) in zip(operands.dropFirst(), ["scale", "shift", "threshold"]) {
      try requireType("C2", what, operand, .f32(operands[0].shape[1]))
    }
    return operands[0]
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (x, scale, shift, threshold) = (
      operands[0], operands[1].values, operands[2].values, operands[3].values
    )
    let (rows, channels) = (x.rows, x.columns)
    return DenseTensor<S>(shape: x.shape) { y in
      x.values.withUnsafeBufferPointer { x in
        for c in 0..<channels {
          var squares = 0.0
          for t in 0..<rows {
            squares += Double(x[t * channels + c]) * Double(x[t * channels + c])
          }
          let factor = 1 / (squares / Double(rows) + Double(epsilon)).squareRoot()
          for t in 0..<rows {
            let normal = Double(x[t * channels + c]) * factor
            y[t * channels + c] = S(
              max(normal * Double(scale[c]) + Double(shift[c]), Double(threshold[c])))
          }
        }
      }
    }
  }
}
