/// Little-endian numbers at any place of a buffer, with bounds checked.
struct ByteReader {
  let bytes: UnsafeRawBufferPointer
  var position: Int

  /// Creates a reader that begins at this place.
  init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0) {
    self.bytes = bytes
    self.position = position
  }

  /// The next number; `nil` at the end.
  mutating func next<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type) -> Number? {
    guard let raw = take(MemoryLayout<Number>.size) else { return nil }
    return Number(littleEndian: raw.loadUnaligned(as: Number.self))
  }

  /// The next `count` bytes; `nil` if there are fewer.
  mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
    guard count >= 0, position >= 0, position <= bytes.count, count <= bytes.count - position else {
      return nil
    }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }
}
