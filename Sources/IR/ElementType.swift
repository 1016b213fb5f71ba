/// The type of one element of a tensor.
///
/// What a number format is to the graph is all here; what it is to generated code is its
/// `NumberFormat` in `Codegen`.
public enum ElementType: String, Hashable, Sendable, CaseIterable {
  /// IEEE 754 binary32.
  case f32
  /// The upper half of a binary32.
  case bf16
  /// IEEE 754 binary16.
  case f16
  /// 8-bit integers with a sign: quantized weights.
  case s8
  /// 32-bit integers with a sign: numbers of tokens, which the caller gives.
  case i32

  /// The size of one element in bytes.
  public var sizeBytes: Int {
    switch self {
    case .f32, .i32: 4
    case .bf16, .f16: 2
    case .s8: 1
    }
  }

  /// `true` iff the numbers are floating-point numbers of fewer bits than f32: weights and
  /// activations may be rounded to them, sums are of f32.
  public var isNarrowFloat: Bool {
    switch self {
    case .bf16, .f16: true
    case .f32, .s8, .i32: false
    }
  }

  /// The types of floating-point numbers, for messages: `f32, bf16 or f16`.
  static var floatNames: String { "f32, \(narrowFloatNames)" }
  /// Those of fewer bits than f32.
  static var narrowFloatNames: String {
    allCases.filter(\.isNarrowFloat).map(\.rawValue).joined(separator: " or ")
  }

  /// The elements of a group of 32 bits: packed weights keep so many neighbours along the depth
  /// together, which kernels multiply at once.
  public var perGroup: Int { 4 / sizeBytes }

  /// The nearest number of this type, of two the even one.
  public func rounded(_ x: Float) -> Float {
    switch self {
    case .f32: x
    case .bf16: BFloat16.rounded(x)
    case .f16: Float(Float16(x))
    case .s8: max(-128, min(127, x.rounded(.toNearestOrEven)))
    case .i32: x.rounded(.toNearestOrEven)
    }
  }

  /// Rounds each number as ``rounded(_:)`` does: a loop for each type, which has no calls.
  func round(_ values: UnsafeMutableBufferPointer<Float>) {
    switch self {
    case .f32: break
    case .f16: for i in values.indices { values[i] = Float(Float16(values[i])) }
    case .bf16: for i in values.indices { values[i] = BFloat16.rounded(values[i]) }
    case .s8:
      for i in values.indices { values[i] = max(-128, min(127, Quantize.rounded(values[i]))) }
    case .i32: for i in values.indices { values[i].round(.toNearestOrEven) }
    }
  }

  /// Calls `body` with numbers of this type as a library stores them.
  func withStoredBytes<R>(of values: [Float], _ body: (UnsafeRawBufferPointer) -> R) -> R {
    switch self {
    case .f32: values.withUnsafeBytes(body)
    case .f16: Self.converted(values) { Float16($0).bitPattern }.withUnsafeBytes(body)
    case .bf16: Self.converted(values, BFloat16.bits).withUnsafeBytes(body)
    case .s8: Self.converted(values, Self.byte).withUnsafeBytes(body)
    case .i32: Self.converted(values) { Int32(exactly: $0) ?? 0 }.withUnsafeBytes(body)
    }
  }

  /// `Int8(exactly:)`, 0 for what has none, without a branch: loops of it are vector code.
  @inline(__always)
  private static func byte(_ x: Float) -> Int8 {
    // The integer is in the low bits of the sum.
    let sum = x + Float.withoutFraction
    let isExact = sum - Float.withoutFraction == x && x >= -128 && x <= 127
    return Int8(truncatingIfNeeded: isExact ? Int32(bitPattern: sum.bitPattern) : 0)
  }

  /// What a function makes of each number.
  @inline(__always)
  private static func converted<T>(_ values: [Float], _ function: (Float) -> T) -> [T] {
    [T](unsafeUninitializedCapacity: values.count) { buffer, initialized in
      values.withUnsafeBufferPointer { values in
        for i in values.indices { buffer[i] = function(values[i]) }
      }
      initialized = values.count
    }
  }
}
