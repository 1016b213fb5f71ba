/// The layout of a relocatable ELF64 file with one data section and one hidden symbol at its start.
///
/// No assembler and no copy of gigabytes: everything but the data is a few hundred bytes. The
/// constants are those of the System V ABI.
struct ELFObject {
  /// Where the data starts, page-aligned like its section.
  static let dataOffset = 4096

  /// What the section is.
  enum Content: Hashable {
    /// Read-only data, 4096-byte aligned.
    case data
    /// An ELF note: linkers keep it and give it a program header of its own.
    case note
  }

  let architecture: Architecture
  let symbol: String
  let bytes: Int
  var content = Content.data

  /// On x86-64 the data are in a "large" section, which linkers place away from what code addresses
  /// in 32 bits; the weights are reached through a 64-bit pointer only.
  private var isLarge: Bool { content == .data && architecture == .x86_64 }
  private var sectionName: String {
    if content == .note { return WeightSegment.noteName }
    return isLarge ? ".lrodata.vit" : ".rodata.vit"
  }
  private var sectionType: UInt32 { content == .note ? ELF.note : ELF.programData }
  private var sectionFlags: UInt64 {
    let large: UInt64 = 0x1000_0000
    return isLarge ? ELF.isLoaded | large : ELF.isLoaded
  }

  /// Not that of other notes, such as the build-id: linkers give a program header to the notes of
  /// each alignment.
  private static let noteAlignment = 8
  private static let headerBytes = 64
  private static let sectionHeaderBytes = 64
  private static let symbolBytes = 24
  private static let sections = 6

  private var names: [UInt8] {
    Array("\0\(sectionName)\0.note.GNU-stack\0.symtab\0.strtab\0.shstrtab\0".utf8)
  }
  private var strings: [UInt8] { Array("\0\(symbol)\0".utf8) }

  private var tablesOffset: Int { (ELFObject.dataOffset + bytes + 7) & ~7 }
  private var stringsOffset: Int { tablesOffset + 2 * ELFObject.symbolBytes }
  private var namesOffset: Int { stringsOffset + strings.count }
  private var headersOffset: Int { (namesOffset + names.count + 7) & ~7 }

  /// The size of the whole file.
  var fileBytes: Int { headersOffset + ELFObject.sections * ELFObject.sectionHeaderBytes }

  /// Writes everything but the data.
  func write(to file: UnsafeMutableRawBufferPointer) {
    var header = ByteWriter(file, at: 0)
    // Magic, 64 bits, little endian, version 1, System V.
    header.put([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0] + Array(repeating: 0, count: 8))
    header.put(UInt16(1))  // ET_REL
    header.put(architecture.elfMachine)
    header.put(UInt32(1))
    header.put(UInt64(0))  // entry
    header.put(UInt64(0))  // program headers
    header.put(UInt64(headersOffset))
    header.put(UInt32(0))  // flags
    header.put(UInt16(ELFObject.headerBytes))
    header.put(UInt16(0))
    header.put(UInt16(0))
    header.put(UInt16(ELFObject.sectionHeaderBytes))
    header.put(UInt16(ELFObject.sections))
    header.put(UInt16(5))  // the section of section names

    var table = ByteWriter(file, at: tablesOffset + ELFObject.symbolBytes)
    table.put(UInt32(1))  // the name, after the empty one
    table.put([1 << 4 | 1, 2])  // STB_GLOBAL, STT_OBJECT; STV_HIDDEN
    table.put(UInt16(1))  // the data section
    table.put(UInt64(0))
    table.put(UInt64(bytes))
    table.put(strings)
    table.put(names)

    var sections = ByteWriter(file, at: headersOffset + ELFObject.sectionHeaderBytes)
    sections.section(
      name: offset(of: sectionName), type: sectionType, flags: sectionFlags,
      offset: ELFObject.dataOffset, size: bytes,
      alignment: content == .note ? ELFObject.noteAlignment : 4096)
    // Without this section linkers assume that the object needs an executable stack.
    sections.section(
      name: offset(of: ".note.GNU-stack"), type: 1, offset: tablesOffset, size: 0, alignment: 1)
    sections.section(
      name: offset(of: ".symtab"), type: 2, offset: tablesOffset,
      size: 2 * ELFObject.symbolBytes, link: 4, info: 1, alignment: 8,
      entry: ELFObject.symbolBytes)
    sections.section(
      name: offset(of: ".strtab"), type: 3, offset: stringsOffset, size: strings.count,
      alignment: 1)
    sections.section(
      name: offset(of: ".shstrtab"), type: 3, offset: namesOffset, size: names.count,
      alignment: 1)
  }

  /// Where a name starts in the section of section names.
  private func offset(of name: String) -> Int {
    var offset = 1
    for candidate in [sectionName, ".note.GNU-stack", ".symtab", ".strtab"] {
      if candidate == name { return offset }
      offset += candidate.utf8.count + 1
    }
    return offset
  }
}

/// Writes little-endian numbers one after the other.
struct ByteWriter {
  private let bytes: UnsafeMutableRawBufferPointer
  private var at: Int

  init(_ bytes: UnsafeMutableRawBufferPointer, at: Int) {
    self.bytes = bytes
    self.at = at
  }

  mutating func put(_ values: [UInt8]) {
    for value in values { put(value) }
  }

  mutating func put<T: FixedWidthInteger>(_ value: T) {
    bytes.storeBytes(of: value.littleEndian, toByteOffset: at, as: T.self)
    at += MemoryLayout<T>.size
  }

  /// Writes an Elf64_Shdr.
  mutating func section(
    name: Int, type: UInt32, flags: UInt64 = 0, offset: Int, size: Int, link: UInt32 = 0,
    info: UInt32 = 0, alignment: Int, entry: Int = 0
  ) {
    put(UInt32(name))
    put(type)
    put(flags)
    put(UInt64(0))
    put(UInt64(offset))
    put(UInt64(size))
    put(link)
    put(info)
    put(UInt64(alignment))
    put(UInt64(entry))
  }
}
