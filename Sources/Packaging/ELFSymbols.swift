import Diagnostics

/// The symbol table of a relocatable ELF64 object, as far as packaging asks.
struct ELFSymbols {
  /// Global and weak symbols that the object defines.
  private(set) var defined: Set<String> = []
  /// Symbols that it expects from others.
  private(set) var undefined: Set<String> = []

  /// Reads the symbol table; throws on anything that is not such an object.
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
