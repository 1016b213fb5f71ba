/// The type of one element of a tensor.
public enum ElementType: String, Hashable, Sendable, CaseIterable {
  /// IEEE 754 binary32.
  case f32
  /// The upper half of a binary32.
  case bf16
  /// 8-bit integers with a sign: quantized weights.
  case s8

  /// The size of one element in bytes.
  public var sizeBytes: Int {
    switch self {
    case .f32: 4
    case .bf16: 2
    case .s8: 1
    }
  }
}
