/// An element type of an `.npy` file that is read.
enum NpyElement: String, CaseIterable {
  case float16 = "<f2"
  case float32 = "<f4"
  case float64 = "<f8"
  case int8 = "|i1"
  case uint8 = "|u1"
  case int32 = "<i4"
  case int64 = "<i8"

  /// The size of one element in bytes.
  var sizeBytes: Int {
    switch self {
    case .int8, .uint8: 1
    case .float16: 2
    case .float32, .int32: 4
    case .float64, .int64: 8
    }
  }

  /// The elements as numbers; `data` has `count * sizeBytes` bytes at any alignment.
  ///
  /// The file is little-endian, as are all machines that vitc runs on.
  func floats(_ data: UnsafeRawBufferPointer, count: Int) -> [Float] {
    switch self {
    case .float16: converted(data, count) { Float(Float16(bitPattern: $0 as UInt16)) }
    case .float32:
      [Float](unsafeUninitializedCapacity: count) { values, initialized in
        UnsafeMutableRawBufferPointer(values).copyMemory(from: data)
        initialized = count
      }
    case .float64: converted(data, count) { Float($0 as Double) }
    case .int8: converted(data, count) { Float($0 as Int8) }
    case .uint8: converted(data, count) { Float($0 as UInt8) }
    case .int32: converted(data, count) { Float($0 as Int32) }
    case .int64: converted(data, count) { Float($0 as Int64) }
    }
  }
}

/// Each element of `data`, converted.
private func converted<Element: BitwiseCopyable>(
  _ data: UnsafeRawBufferPointer, _ count: Int, _ convert: (Element) -> Float
) -> [Float] {
  [Float](unsafeUninitializedCapacity: count) { values, initialized in
    for index in 0..<count {
      values[index] = convert(
        data.loadUnaligned(
          fromByteOffset: index * MemoryLayout<Element>.size, as: Element.self))
    }
    initialized = count
  }
}
