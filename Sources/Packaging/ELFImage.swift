/// The sections and segments of a 64-bit little-endian ELF file of any size, read in place: nothing
/// is believed that the bytes do not hold.
struct ELFImage {
  /// A section or segment: its bytes in the file.
  struct Part: Hashable {
    /// The section's name; empty for a segment.
    var name = ""
    /// sh_type or p_type.
    var type: UInt32
    var range: Range<Int>
  }

  /// e_type: ET_REL is 1, ET_EXEC 2, ET_DYN 3.
  let kind: UInt16
  /// e_machine.
  let machine: UInt16
  private let bytes: UnsafeRawBufferPointer

  /// Reads the header; `nil` if the bytes are not such a file.
  init?(_ bytes: UnsafeRawBufferPointer) {
    // Magic, class 2 (64 bits), byte order 1 (little).
    guard bytes.count >= 64, bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) else { return nil }
    self.bytes = bytes
    kind = bytes.loadUnaligned(fromByteOffset: 0x10, as: UInt16.self)
    machine = bytes.loadUnaligned(fromByteOffset: 0x12, as: UInt16.self)
  }

  /// The sections whose bytes lie in the file, in the table's order; none without a table.
  var sections: [Part] {
    guard let table = integer(UInt64.self, at: 0x28).flatMap({ Int(exactly: $0) }), table > 0,
      let count = integer(UInt16.self, at: 0x3c), let namesIndex = integer(UInt16.self, at: 0x3e)
    else { return [] }
    let entryBytes = 64
    func header(_ index: Int) -> (name: UInt32, part: Part)? {
      let at = table + entryBytes * index
      guard let name = integer(UInt32.self, at: at), let type = integer(UInt32.self, at: at + 4),
        let range = range(at: at + 24, type: type)
      else { return nil }
      return (name, Part(type: type, range: range))
    }
    guard table < bytes.count else { return [] }
    let names = header(Int(namesIndex))?.part.range ?? 0..<0
    return (0..<Int(count)).compactMap { index in
      guard let (name, found) = header(index) else { return nil }
      return Part(name: text(in: names, at: Int(name)), type: found.type, range: found.range)
    }
  }

  /// The segments whose bytes lie in the file.
  var segments: [Part] {
    guard let table = integer(UInt64.self, at: 0x20).flatMap({ Int(exactly: $0) }),
      table < bytes.count, let count = integer(UInt16.self, at: 0x38)
    else { return [] }
    let entryBytes = 56
    return (0..<Int(count)).compactMap { index in
      let at = table + entryBytes * index
      guard let type = integer(UInt32.self, at: at),
        let offset = integer(UInt64.self, at: at + 8).flatMap({ Int(exactly: $0) }),
        let size = integer(UInt64.self, at: at + 32).flatMap({ Int(exactly: $0) }),
        offset <= bytes.count, size <= bytes.count - offset
      else { return nil }
      return Part(type: type, range: offset..<offset + size)
    }
  }

  /// sh_offset and sh_size at a place, as bytes of the file.
  private func range(at place: Int, type: UInt32) -> Range<Int>? {
    let noBits: UInt32 = 8  // SHT_NOBITS
    guard let offset = integer(UInt64.self, at: place).flatMap({ Int(exactly: $0) }),
      let size = integer(UInt64.self, at: place + 8).flatMap({ Int(exactly: $0) }),
      type != noBits, offset <= bytes.count, size <= bytes.count - offset
    else { return nil }
    return offset..<offset + size
  }

  private func integer<T: FixedWidthInteger>(_: T.Type, at offset: Int) -> T? {
    guard offset >= 0, offset <= bytes.count - MemoryLayout<T>.size else { return nil }
    return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  /// A name of the table of names, which ends with a zero byte.
  private func text(in table: Range<Int>, at offset: Int) -> String {
    guard offset < table.count else { return "" }
    let rest = bytes[(table.lowerBound + offset)..<table.upperBound]
    return String(decoding: rest.prefix { $0 != 0 }, as: UTF8.self)
  }
}
