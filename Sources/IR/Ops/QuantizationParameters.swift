import Diagnostics

/// What a fused linear layer of 8-bit integers needs to know of each output: the scale of its
/// weights, their sum, and the bias.
///
/// `y[0, n] = s_n`, `y[1, n] = s_n * sum_k q[n, k]`, `y[2, n] = bias[n]`, or 0 without one, where
/// `q` is what `quantize` makes of the weight and `s_n` its scale. Operands: `weight: [out, in]`,
/// `bias: [out]` or none. Result: `[3, out]`.
///
/// - C1: `weight` is f32 of rank 2.
/// - C2: `bias` has shape `[out]`.
public struct QuantizationParameters: OpDefinition {
  /// Creates the op.
  public init() {}

  static let mnemonic = "quantization_parameters"
  static let forms: Set<Form> = [.fused, .planned]
  static let operandCounts = 1...2
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  init(_ attributes: inout Attributes) throws(Diagnostic) {}
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "weight", operands[0], 2)
    let out = operands[0].shape[0]
    if operands.count > 1 { try requireType("C2", "bias", operands[1], .f32(out)) }
    return .f32(3, out)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (weight, columns) = (operands[0], operands[0].columns)
    let scales = (0..<weight.rows).map {
      Quantize.scale(of: weight.values[$0 * columns..<($0 + 1) * columns])
    }
    let bias = operands.count > 1 ? operands[1] : DenseTensor<S>(shape: [weight.rows])
    return QuantizationParameters.tensor(Quantize().evaluate([weight]), scales: scales, bias: bias)
  }

  /// The parameters of integers `[out, in]` that `scales` are for.
  public static func tensor<S: TensorScalar>(
    _ integers: DenseTensor<S>, scales: [S], bias: DenseTensor<S>
  ) -> DenseTensor<S> {
    let (out, columns) = (integers.rows, integers.columns)
    var result = DenseTensor<S>(shape: [3, out])
    for (n, scale) in scales.enumerated() {
      // Exact, so in any order.
      var sum = 0.0
      integers.values[n * columns..<(n + 1) * columns].withUnsafeBufferPointer { row in
        for x in row { sum += Double(x) }
      }
      result.values[n] = scale
      result.values[out + n] = S(Double(scale) * sum)
      result.values[2 * out + n] = bias.values[n]
    }
    return result
  }
}
