import IR

/// The symbol table of a relocatable ELF64 object, as far as packaging asks.
struct ELFSymbols {
  /// Global and weak symbols that the object defines.
  private(set) var defined: Set<String> = []
  /// Symbols that it expects from others.
  private(set) var undefined: Set<String> = []

  /// Reads the symbol table; throws on anything that is no such object.
  init(_ object: [UInt8], file: String) throws(Diagnostic) {
    let reader = ELFReader(bytes: object)
    guard object.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]),
      let sections = reader.integer(UInt64.self, at: 0x28),
      let count = reader.integer(UInt16.self, at: 0x3c)
    else { throw Diagnostic("is not a 64-bit ELF object", at: .file(file)) }
    for i in 0..<Int(count) {
      guard let header = reader.section(i, table: sections) else {
        throw Diagnostic("has a damaged section table", at: .file(file))
      }
      // SHT_SYMTAB.
      guard header.type == 2 else { continue }
      guard let strings = reader.section(Int(header.link), table: sections) else {
        throw Diagnostic("has a damaged symbol table", at: .file(file))
      }
      try read(reader, header, strings, file: file)
    }
  }

  private mutating func read(
    _ reader: ELFReader, _ table: ELFReader.Section, _ strings: ELFReader.Section, file: String
  ) throws(Diagnostic) {
    for at in stride(from: table.offset, to: table.offset + table.size, by: 24) {
      guard let name = reader.integer(UInt32.self, at: at),
        let info = reader.integer(UInt8.self, at: at + 4),
        let section = reader.integer(UInt16.self, at: at + 6),
        let text = reader.string(at: strings.offset + Int(name))
      else { throw Diagnostic("has a damaged symbol table", at: .file(file)) }
      // STB_LOCAL is 0, SHN_UNDEF is 0.
      if info >> 4 == 0 || text.isEmpty { continue }
      if section == 0 { undefined.insert(text) } else { defined.insert(text) }
    }
  }
}

/// Bounds-checked little-endian reads.
struct ELFReader {
  let bytes: [UInt8]

  /// What is read of a section header.
  struct Section {
    var type: UInt32
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
    guard let type = integer(UInt32.self, at: at + 4),
      let offset = integer(UInt64.self, at: at + 24).flatMap({ Int(exactly: $0) }),
      let size = integer(UInt64.self, at: at + 32).flatMap({ Int(exactly: $0) }),
      let link = integer(UInt32.self, at: at + 40)
    else { return nil }
    let isStored = type != 8 && type != 0  // SHT_NOBITS, SHT_NULL
    guard !isStored || (offset <= bytes.count && size <= bytes.count - offset) else { return nil }
    return Section(type: type, offset: offset, size: size, link: link)
  }

  func string(at offset: Int) -> String? {
    guard offset >= 0, offset < bytes.count,
      let end = bytes[offset...].firstIndex(of: 0)
    else { return nil }
    return String(decoding: bytes[offset..<end], as: UTF8.self)
  }
}
