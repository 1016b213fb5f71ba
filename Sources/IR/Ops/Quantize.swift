import Diagnostics

/// Rounds each row of a weight to integers of 8 bits.
///
/// `y[n, k] = round(weight[n, k] / s_n)`, ties to even, `s_n = max_k |weight[n, k]| / 127`, or 1
/// where that is not a normal number, in a row of next to nothing: the integers lie in -127...127.
/// Operand: `weight: [out, in]`. Result: `s8[out, in]`. `quantization_parameters` makes what the
/// products are scaled by.
///
/// - C1: `weight` is f32 of rank 2.
public struct Quantize: OpDefinition {
  /// Creates a quantization.
  public init() {}

  static let mnemonic = "quantize"
  static let forms: Set<Form> = [.fused, .planned]
  static let operandCounts = 1...1
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  init(_ attributes: inout Attributes) throws(Diagnostic) {}
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "weight", operands[0], 2)
    return TensorType(.s8, operands[0].shape)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let columns = operands[0].columns
    return operands[0].values.withUnsafeBufferPointer { x in
      DenseTensor<S>(shape: operands[0].shape) { y in
        for start in stride(from: 0, to: x.count, by: columns) {
          let scale = Quantize.scale(of: UnsafeBufferPointer(rebasing: x[start..<start + columns]))
          for i in start..<start + columns { y[i] = Quantize.rounded(x[i] / scale) }
        }
      }
    }
  }

  /// What the integers of a row are multiplied by.
  public static func scale<S: TensorScalar>(of row: ArraySlice<S>) -> S {
    row.withUnsafeBufferPointer { scale(of: $0) }
  }

  /// What the integers of a row are multiplied by.
  public static func scale<S: TensorScalar>(of row: UnsafeBufferPointer<S>) -> S {
    let scale = S.largestMagnitude(row) / 127
    return scale.isNormal ? scale : 1
  }

  /// The nearest integer, of two the even one, for |x| up to 2^22; beyond, some number that is
  /// beyond too.
  ///
  /// Without a call: `rounded(.toNearestOrEven)` is a function of libm where the processor is not
  /// known to have SSE4.1.
  @inlinable @inline(__always)
  public static func rounded<S: TensorScalar>(_ x: S) -> S {
    (x + S.withoutFraction) - S.withoutFraction
  }
}
