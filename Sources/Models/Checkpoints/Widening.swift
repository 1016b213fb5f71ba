/// Conversions of stored numbers to `f32`, in loops without branches that become vector code.
enum Widening {
  /// Writes binary16 numbers as `f32`, exactly.
  ///
  /// Exponent and fraction, moved up 13 bits, are the number times 2^-112, denormal or not; a
  /// multiplication restores it. Infinity and NaN get the largest exponent afterwards.
  static func widenF16(
    _ source: UnsafeBufferPointer<UInt16>, into target: UnsafeMutableBufferPointer<Float>
  ) {
    for i in 0..<source.count {
      let bits = UInt32(source[i])
      let magnitude = bits & 0x7FFF
      let scaled = (Float(bitPattern: magnitude << 13) * 0x1p112).bitPattern
      let special: UInt32 = magnitude >= 0x7C00 ? 0x7F80_0000 : 0
      target[i] = Float(bitPattern: scaled | special | (bits & 0x8000) << 16)
    }
  }

  /// Writes bfloat16 numbers as `f32`, exactly.
  static func widenBF16(
    _ source: UnsafeBufferPointer<UInt16>, into target: UnsafeMutableBufferPointer<Float>
  ) {
    for i in 0..<source.count { target[i] = Float(bitPattern: UInt32(source[i]) << 16) }
  }

  /// Writes binary64 numbers as the nearest `f32`.
  static func roundF64(
    _ source: UnsafeBufferPointer<UInt64>, into target: UnsafeMutableBufferPointer<Float>
  ) {
    for i in 0..<source.count { target[i] = Float(Double(bitPattern: source[i])) }
  }

  /// Returns how many of the values are NaN or infinite: those whose exponent bits are all set.
  static func countNonFinite(_ values: [Float]) -> Int {
    let infinity: UInt32 = 0x7F80_0000
    // A maximum of integers is a vector instruction; weights are nearly always finite.
    let largest = values.withUnsafeBufferPointer { values in
      var largest: UInt32 = 0
      for value in values { largest = max(largest, value.bitPattern & 0x7FFF_FFFF) }
      return largest
    }
    guard largest >= infinity else { return 0 }
    return values.count { $0.bitPattern & infinity == infinity }
  }
}
