import Diagnostics

/// Divides each row by the root of its mean square.
///
/// `y[t, d] = x[t, d] / sqrt(mean_d(x[t, d]^2) + epsilon) * weight[d]`. The mean of a row stays in
/// it, unlike with `layer_norm`. Operands: `x: [tokens, dim]`; optionally `weight: [dim]`, without
/// which the rows are left with a mean square of 1. Attribute: `epsilon`.
///
/// - C1: `x` has rank 2.
/// - C2: `weight` has shape `[dim]`.
///
/// Source: Zhang and Sennrich 2019, arXiv:1910.07467.
public struct RMSNorm: OpDefinition {
  /// Added to the mean square.
  public var epsilon: Float

  /// Creates an RMS norm.
  public init(epsilon: Float) { self.epsilon = epsilon }

  static let mnemonic = "rms_norm"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...2
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    OpFacts(
      inPlace: [0], rows: .same([0]), addends: [], norm: .rootMeanSquare(epsilon: epsilon),
      absorbs: [0], spread: .balanced, carriesBF16: false, work: nil)
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
    if operands.count > 1 {
      try requireType("C2", "weight", operands[1], .f32(operands[0].shape[1]))
    }
    return operands[0]
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    var result = operands[0]
    let dim = result.columns
    for start in stride(from: 0, to: result.values.count, by: dim) {
      let squares = result.values[start..<start + dim].reduce(0.0) {
        $0 + Double($1) * Double($1)
      }
      let factor = 1 / (squares / Double(dim) + Double(epsilon)).squareRoot()
      for d in 0..<dim {
        let scale = operands.count > 1 ? Double(operands[1].values[d]) : 1
        result.values[start + d] = S(Double(result.values[start + d]) * factor * scale)
      }
    }
    return result
  }
}
