/// An element type of an `.npy` file that is read.
public enum NpyElement: String, Hashable, Sendable, CaseIterable {
  case float16 = "<f2"
  case float32 = "<f4"
  case float64 = "<f8"
  case int8 = "|i1"
  case uint8 = "|u1"
  case int32 = "<i4"
  case int64 = "<i8"
  /// What NumPy makes of JAX's bfloat16, which it does not know: 2 bytes of no meaning.
  case bfloat16 = "|V2"

  /// The size of one element in bytes.
  public var sizeBytes: Int {
    switch self {
    case .int8, .uint8: 1
    case .float16, .bfloat16: 2
    case .float32, .int32: 4
    case .float64, .int64: 8
    }
  }

  /// Writes `count` elements as numbers; `data` has `count * sizeBytes` bytes at any alignment.
  ///
  /// The file is little-endian, as are all machines that vitc runs on.
  func widen(
    _ data: UnsafeRawBufferPointer, into target: UnsafeMutablePointer<Float>, count: Int
  ) {
    switch self {
    case .float16: convert(data, target, count) { Float(Float16(bitPattern: $0 as UInt16)) }
    case .bfloat16: convert(data, target, count) { Float(bitPattern: UInt32($0 as UInt16) << 16) }
    case .float32:
      UnsafeMutableRawBufferPointer(start: target, count: 4 * count).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: data[..<(4 * count)]))
    case .float64: convert(data, target, count) { Float($0 as Double) }
    case .int8: convert(data, target, count) { Float($0 as Int8) }
    case .uint8: convert(data, target, count) { Float($0 as UInt8) }
    case .int32: convert(data, target, count) { Float($0 as Int32) }
    case .int64: convert(data, target, count) { Float($0 as Int64) }
    }
  }

  /// The elements as numbers; `data` has `count * sizeBytes` bytes at any alignment.
  ///
  /// At least one has a place: the count of an empty array would be written where all threads read.
  func floats(_ data: UnsafeRawBufferPointer, count: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: max(1, count)) { values, initialized in
      if let base = values.baseAddress { widen(data, into: base, count: count) }
      initialized = count
    }
  }
}

/// Writes each element of `data`, converted.
private func convert<Element: BitwiseCopyable>(
  _ data: UnsafeRawBufferPointer, _ target: UnsafeMutablePointer<Float>, _ count: Int,
  _ convert: (Element) -> Float
) {
  for index in 0..<count {
    target[index] = convert(
      data.loadUnaligned(fromByteOffset: index * MemoryLayout<Element>.size, as: Element.self))
  }
}
