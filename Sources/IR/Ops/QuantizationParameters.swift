import CWeightLoops
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
    var (scales, sums) = ([S](), [Double]())
    weight.values.withUnsafeBufferPointer { values in
      for start in stride(from: 0, to: values.count, by: columns) {
        let row = UnsafeBufferPointer(rebasing: values[start..<start + columns])
        let scale = Quantize.scale(of: row)
        scales.append(scale)
        // Integers that floats hold, in chunks whose sums they hold too: exact, so in any order.
        var sum = 0.0
        for first in stride(from: 0, to: columns, by: Self.chunk) {
          let end = min(first + Self.chunk, columns)
          sum += Self.sum(UnsafeBufferPointer(rebasing: row[first..<end]), over: scale)
        }
        sums.append(sum)
      }
    }
    let bias = operands.count > 1 ? operands[1] : DenseTensor<S>(shape: [weight.rows])
    return Self.tensor(scales: scales, sums: sums, bias: bias)
  }

  /// How many integers of magnitude 127 have a sum below 2^24, to a power of two.
  private static let chunk = 1 << 16

  /// The sum of the integers of a part of a row.
  private static func sum<S: TensorScalar>(
    _ part: UnsafeBufferPointer<S>, over scale: S
  ) -> Double {
    if let values = part.baseAddress?.floats {
      return cwl_integer_sum(values, part.count, Float(scale), 0)
    }
    return part.reduce(0.0) { $0 + Quantize.rounded($1 / scale).double }
  }

  /// The parameters of integers `[out, in]` that `scales` are for.
  public static func tensor<S: TensorScalar>(
    _ integers: DenseTensor<S>, scales: [S], bias: DenseTensor<S>
  ) -> DenseTensor<S> {
    let columns = integers.columns
    let sums = integers.values.withUnsafeBufferPointer { values in
      stride(from: 0, to: values.count, by: columns).map { start in
        // Exact, so in any order.
        values[start..<start + columns].reduce(0.0) { $0 + $1.double }
      }
    }
    return tensor(scales: scales, sums: sums, bias: bias)
  }

  /// The parameters of integers whose sums are known.
  private static func tensor<S: TensorScalar>(
    scales: [S], sums: [Double], bias: DenseTensor<S>
  ) -> DenseTensor<S> {
    let out = scales.count
    var result = DenseTensor<S>(shape: [3, out])
    for (n, scale) in scales.enumerated() {
      result.values[n] = scale
      result.values[out + n] = S(scale.double * sums[n])
      result.values[2 * out + n] = bias.values[n]
    }
    return result
  }
}
