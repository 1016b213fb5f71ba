/// Text in UTF-8.
enum UTF8Bytes {
  /// Where the character that begins at an index ends; the text is valid UTF-8.
  static func end(ofCharacterAt index: Int, _ text: UnsafePointer<UInt8>, _ count: Int) -> Int {
    let byte = text[index]
    let length = byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
    return min(count, index &+ length)
  }

  /// Appends the scalars of a text; returns the index of the first byte that is not UTF-8 (Unicode
  /// 15, table 3-7), or `nil`.
  static func decode(
    _ text: UnsafePointer<UInt8>, _ count: Int, into scalars: inout Buffer<UInt32>
  ) -> Int? {
    var index = 0
    while index < count {
      let first = UInt32(text[index])
      if first < 0x80 {
        scalars.append(first)
        index &+= 1
        continue
      }
      // A first byte says how many follow and what is the least that so many are for.
      let (length, least): (Int, UInt32)
      var scalar: UInt32
      switch first {
      case 0xC2...0xDF: (length, least, scalar) = (2, 0x80, first & 0x1F)
      case 0xE0...0xEF: (length, least, scalar) = (3, 0x800, first & 0x0F)
      case 0xF0...0xF4: (length, least, scalar) = (4, 0x1_0000, first & 0x07)
      default: return index
      }
      guard length <= count &- index else { return index }
      for offset in 1..<length {
        let byte = UInt32(text[index &+ offset])
        guard byte & 0xC0 == 0x80 else { return index }
        scalar = scalar &<< 6 | (byte & 0x3F)
      }
      guard scalar >= least, scalar <= 0x10_FFFF, scalar < 0xD800 || scalar > 0xDFFF else {
        return index
      }
      scalars.append(scalar)
      index &+= length
    }
    return nil
  }

  /// Appends a scalar in UTF-8.
  static func append(_ scalar: UInt32, to bytes: inout Buffer<UInt8>) {
    func byte(_ shift: UInt32, _ mark: UInt32, _ mask: UInt32) -> UInt8 {
      UInt8(truncatingIfNeeded: scalar &>> shift & mask | mark)
    }
    switch scalar {
    case ..<0x80: bytes.append(byte(0, 0, 0x7F))
    case ..<0x800:
      bytes.append(byte(6, 0xC0, 0x1F))
      bytes.append(byte(0, 0x80, 0x3F))
    case ..<0x1_0000:
      bytes.append(byte(12, 0xE0, 0x0F))
      bytes.append(byte(6, 0x80, 0x3F))
      bytes.append(byte(0, 0x80, 0x3F))
    default:
      bytes.append(byte(18, 0xF0, 0x07))
      bytes.append(byte(12, 0x80, 0x3F))
      bytes.append(byte(6, 0x80, 0x3F))
      bytes.append(byte(0, 0x80, 0x3F))
    }
  }
}
