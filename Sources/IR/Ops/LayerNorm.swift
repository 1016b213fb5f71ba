import Diagnostics

/// Normalizes each row to zero mean and unit variance, then scales and shifts it.
///
/// `y[t, d] = (x[t, d] - mean_t) / sqrt(variance_t + epsilon) * scale[d] + shift[d]`
///
/// Operands: `x: [tokens, dim]` and optionally both `scale: [dim]` and `shift: [dim]`.
/// Result: `[tokens, dim]`. Attribute: `epsilon`, the term added to the variance (dimensionless;
/// timm's ViTs use 1e-6, Hugging Face's 1e-12). The variance is the biased one, divided by `dim`.
///
/// - C1: `x` has rank 2.
/// - C2: `scale` and `shift` come together and have shape `[dim]`.
///
/// Reference: Ba et al. 2016, arXiv:1607.06450, equation 3.
public struct LayerNorm: OpDefinition {
  /// The term added to the variance before the square root.
  public var epsilon: Float

  /// Creates a layer norm.
  public init(epsilon: Float) { self.epsilon = epsilon }

  static let mnemonic = "layer_norm"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...3
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    OpFacts(
      inPlace: [0], rows: .same([0]), addends: [], norm: .layer(epsilon: epsilon), absorbs: [0],
      spread: .balanced, carriesBF16: false, work: nil)
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
    try require("C2", operands.count != 2, "scale needs shift")
    for (operand, what) in zip(operands.dropFirst(), ["scale", "shift"]) {
      try requireType("C2", what, operand, .f32(operands[0].shape[1]))
    }
    return operands[0]
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    var result = operands[0]
    let dim = result.columns
    for start in stride(from: 0, to: result.values.count, by: dim) {
      let row = result.values[start..<start + dim]
      let mean = row.reduce(0.0) { $0 + Double($1) } / Double(dim)
      let variance =
        row.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(dim)
      let factor = 1 / (variance + Double(epsilon)).squareRoot()
      for d in 0..<dim {
        var y = (Double(result.values[start + d]) - mean) * factor
        if operands.count == 3 {
          y = y * Double(operands[1].values[d]) + Double(operands[2].values[d])
        }
        result.values[start + d] = S(y)
      }
    }
    return result
  }
}
