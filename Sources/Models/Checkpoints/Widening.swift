import CWeightLoops

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

  /// Returns `count` stored numbers, at any address, as `f32`.
  ///
  /// - Precondition: The type is readable, and `bytes` holds as many.
  static func floats(
    _ bytes: UnsafeRawBufferPointer, _ element: StoredElement, count: Int
  ) -> [Float] {
    // Room for one at least: the count of an empty array is written where all threads read.
    [Float](unsafeUninitializedCapacity: max(1, count)) { buffer, initialized in
      let target = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
      switch element {
      case .f16: inPieces(bytes, into: target, widenF16)
      case .bf16: inPieces(bytes, into: target, widenBF16)
      case .f64: inPieces(bytes, into: target, roundF64)
      case .f32:
        UnsafeMutableRawBufferPointer(target).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: bytes[..<(4 * count)]))
      case .bool, .u8, .i8, .i16, .u16, .i32, .u32, .i64, .u64, .c64, .f8e4m3, .f8e5m2, .f8e8m0,
        .f8e4m3fnuz, .f8e5m2fnuz, .f6e2m3, .f6e3m2, .f4:
        preconditionFailure("\(element.rawValue) is not readable")
      }
      initialized = count
    }
  }

  /// Converts through a small buffer, which stays in the cache and is aligned.
  private static func inPieces<Stored: FixedWidthInteger>(
    _ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Float>,
    _ convert: (UnsafeBufferPointer<Stored>, UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    let width = MemoryLayout<Stored>.size
    let piece = min(target.count, 1 << 15)
    let buffer = UnsafeMutableBufferPointer<Stored>.allocate(capacity: max(1, piece))
    defer { buffer.deallocate() }
    for start in stride(from: 0, to: target.count, by: max(1, piece)) {
      let end = min(start + piece, target.count)
      let part = UnsafeMutableBufferPointer(rebasing: buffer[..<(end - start)])
      UnsafeMutableRawBufferPointer(part).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: bytes[start * width..<end * width]))
      convert(
        UnsafeBufferPointer(part), UnsafeMutableBufferPointer(rebasing: target[start..<end]))
    }
  }

  /// Returns how many of the values are NaN or infinite: those whose exponent bits are all set.
  static func countNonFinite(_ values: [Float]) -> Int {
    let infinity: UInt32 = 0x7F80_0000
    // Weights are nearly always finite.
    let largest = values.withUnsafeBufferPointer { values in
      values.baseAddress.map { cwl_largest_bits($0, values.count, 0) } ?? 0
    }
    guard largest >= infinity else { return 0 }
    return values.count { $0.bitPattern & infinity == infinity }
  }
}
