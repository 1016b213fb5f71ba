/// The type of one element of a tensor.
public enum ElementType: String, Hashable, Sendable, CaseIterable {
  /// IEEE 754 binary32.
  case f32
  /// IEEE 754 binary16; in checkpoints only, widened exactly on reading.
  case f16
  /// The upper half of a binary32; checkpoints are widened exactly on reading.
  case bf16
  /// 8-bit unsigned integers: pixels.
  case u8
  /// 8-bit integers with a sign: quantized weights.
  case s8

  /// The size of one element in bytes.
  public var sizeBytes: Int {
    switch self {
    case .f32: 4
    case .f16, .bf16: 2
    case .u8, .s8: 1
    }
  }
}
