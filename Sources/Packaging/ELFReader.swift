/// Constants of the System V ABI.
enum ELF {
  /// SHT_PROGBITS.
  static let programData: UInt32 = 1
  /// SHT_SYMTAB.
  static let symbols: UInt32 = 2
  /// SHT_RELA.
  static let relocations: UInt32 = 4
  /// SHT_NOTE.
  static let note: UInt32 = 7
  /// SHF_ALLOC.
  static let isLoaded: UInt64 = 2
}

/// Bounds-checked little-endian reads.
struct ELFReader {
  let bytes: [UInt8]

  /// What is read of a section header.
  struct Section {
    var name: UInt32
    var type: UInt32
    var address: UInt64
    var offset: Int
    var size: Int
    var link: UInt32
  }

  func integer<T: FixedWidthInteger>(_: T.Type, at offset: Int) -> T? {
    let size = MemoryLayout<T>.size
    guard offset >= 0, offset <= bytes.count - size else { return nil }
    return bytes.withUnsafeBytes {
      T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: T.self))
    }
  }

  func section(_ index: Int, table: UInt64) -> Section? {
    guard let start = Int(exactly: table), start < bytes.count else { return nil }
    let at = start + 64 * index
    guard let name = integer(UInt32.self, at: at),
      let type = integer(UInt32.self, at: at + 4),
      let address = integer(UInt64.self, at: at + 16),
      let offset = integer(UInt64.self, at: at + 24).flatMap({ Int(exactly: $0) }),
      let size = integer(UInt64.self, at: at + 32).flatMap({ Int(exactly: $0) }),
      let link = integer(UInt32.self, at: at + 40)
    else { return nil }
    let isStored = type != 8 && type != 0  // SHT_NOBITS, SHT_NULL
    guard !isStored || (offset <= bytes.count && size <= bytes.count - offset) else { return nil }
    return Section(
      name: name, type: type, address: address, offset: offset, size: size, link: link)
  }

  func string(at offset: Int) -> String? {
    guard offset >= 0, offset < bytes.count,
      let end = bytes[offset...].firstIndex(of: 0)
    else { return nil }
    return String(decoding: bytes[offset..<end], as: UTF8.self)
  }
}
