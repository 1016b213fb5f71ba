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
  func evaluate(_ operands: [Tensor]) -> Tensor {
    var result = operands[0]
    let columns = result.columns
    for start in stride(from: 0, to: result.values.count, by: columns) {
      let scale = Quantize.scale(of: result.values[start..<start + columns])
      for i in start..<start + columns {
        result.values[i] = (result.values[i] / scale).rounded(.toNearestOrEven)
      }
    }
    return result
  }

  /// What the integers of a row are multiplied by.
  public static func scale(of row: ArraySlice<Float>) -> Float {
    let scale = row.reduce(0) { max($0, abs($1)) } / 127
    return scale.isNormal ? scale : 1
  }
}
