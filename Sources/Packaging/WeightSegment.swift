import Diagnostics
import Glibc

/// The place of embedded weights in a shared library.
///
/// Weights do not pass through the linker, which would map its input and write its output: for
/// ViT-B/16 717 MB of memory and 2.7 of 9 seconds. Instead the library is linked with a note of a
/// few bytes in their place, which linkers keep, and which gets a program header of its own
/// (PT_NOTE). The weights lie after the linked bytes in the file, where the packer wrote them, and
/// what spoke of the note speaks of them afterwards: the program header becomes a read-only PT_LOAD
/// beyond all others, the section header a section `.weights`, and the one relocation that held the
/// note's address holds theirs. Nothing else moves, so whatever reads ELF files (`strip`,
/// `objdump`, loaders, debuggers) finds an ordinary library.
struct WeightSegment {
  /// The note's section; what follows `.note` is its name afterwards.
  static let noteName = ".note.weights"
  /// The weights' section.
  static let sectionName = ".weights"
  /// An empty note of the owner "vitc": lengths of name and content, type, name; padded to 8 bytes.
  static let note: [UInt8] =
    [5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0] + Array("vitc".utf8) + [UInt8](repeating: 0, count: 8)
  /// What is left free for the linked bytes while their size is unknown: ViT-B/16 takes a quarter.
  static let spaceBytes = 1 << 20
  /// Weights up to this size are moved to close the gap, those beyond only if the space was short.
  private static let movedBytes = 1 << 26

  let architecture: Architecture
  /// The linked library, for messages.
  let path: String
  private var bytes: [UInt8]

  /// Takes a library that was linked with the note.
  init(architecture: Architecture, linked path: String) throws(Diagnostic) {
    self.architecture = architecture
    self.path = path
    bytes = try FileError.read(path)
  }

  /// Completes `file`, in which `count` bytes of weights follow `WeightSegment.spaceBytes` that are
  /// free, to a library.
  mutating func complete(_ file: String, weightsBytes count: Int) throws(Diagnostic) {
    let page = architecture.mostPageBytes
    let exact = (bytes.count + page - 1) / page * page
    let space = WeightSegment.spaceBytes
    let offset = exact > space || count <= WeightSegment.movedBytes ? exact : space
    try redirect(offset: offset, count: count)
    let descriptor = open(file, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError.diagnostic("cannot open the file", file, errno) }
    defer { close(descriptor) }
    let done =
      WeightSegment.move(descriptor, from: space, to: offset, count: count)
      && bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) == $0.count }
      // What is between the linked bytes and the weights may be left from a move.
      && WeightSegment.clear(descriptor, bytes.count..<exact)
      && ftruncate(descriptor, off_t(offset + count)) == 0
    guard done else { throw FileError.diagnostic("cannot write the library", file, errno) }
  }

  /// Lets all that speaks of the note speak of `count` bytes at `offset` of the file.
  private mutating func redirect(offset: Int, count: Int) throws(Diagnostic) {
    let reader = ELFReader(bytes: bytes)
    guard let sections = reader.integer(UInt64.self, at: 0x28),
      let sectionCount = reader.integer(UInt16.self, at: 0x3c),
      let namesIndex = reader.integer(UInt16.self, at: 0x3e),
      let names = reader.section(Int(namesIndex), table: sections)
    else { throw unusable("no section table") }
    let all = (0..<Int(sectionCount)).map { reader.section($0, table: sections) }
    let index = all.firstIndex { section in
      section.map { reader.string(at: names.offset + Int($0.name)) } == WeightSegment.noteName
    }
    guard let index, let note = all[index] else { throw unusable("no note for the weights") }

    let address = try redirectSegment(reader, note, offset: offset, count: count)
    let header = Int(sections) + 64 * index
    let prefix = UInt32(".note".utf8.count)
    put(note.name + prefix, at: header)
    put(ELF.programData, at: header + 4)
    put(address, at: header + 16)
    put(UInt64(offset), at: header + 24)
    put(UInt64(count), at: header + 32)
    put(UInt64(architecture.mostPageBytes), at: header + 48)

    var redirected = 0
    for case .some(let table) in all where table.type == ELF.relocations {
      for at in stride(from: table.offset, to: table.offset + table.size, by: 24) {
        guard reader.integer(UInt64.self, at: at + 8) == architecture.elfRelative,
          reader.integer(UInt64.self, at: at + 16) == note.address
        else { continue }
        put(address, at: at + 16)
        redirected += 1
      }
    }
    guard redirected == 1 else {
      throw unusable("\(redirected) relocations for the weights, expected 1")
    }
    redirectSymbols(reader, all.compactMap(\.self), note: index, address: address, count: count)
  }

  /// Lets the names of the note's section, where a library has them, mean the weights.
  private mutating func redirectSymbols(
    _ reader: ELFReader, _ sections: [ELFReader.Section], note: Int, address: UInt64, count: Int
  ) {
    let entryBytes = 24
    for table in sections where table.type == ELF.symbols {
      for at in stride(from: table.offset, to: table.offset + table.size, by: entryBytes)
      where reader.integer(UInt16.self, at: at + 6) == UInt16(exactly: note) {
        put(address, at: at + 8)
        // Of the section itself (STT_SECTION) a symbol says no size.
        if let info = reader.integer(UInt8.self, at: at + 4), info & 15 != 3 {
          put(UInt64(count), at: at + 16)
        }
      }
    }
  }

  /// Makes the note's program header that of the weights, after all other PT_LOADs, whose order
  /// is that of their addresses; returns the weights' address.
  private mutating func redirectSegment(
    _ reader: ELFReader, _ note: ELFReader.Section, offset: Int, count: Int
  ) throws(Diagnostic) -> UInt64 {
    let (load, noteType): (UInt32, UInt32) = (1, 4)  // PT_LOAD, PT_NOTE
    guard let table = reader.integer(UInt64.self, at: 0x20).flatMap({ Int(exactly: $0) }),
      let headers = reader.integer(UInt16.self, at: 0x38)
    else { throw unusable("no program headers") }
    var end: UInt64 = 0
    var lastLoad = -1
    var spare = -1
    for index in 0..<Int(headers) {
      let at = table + 56 * index
      guard let type = reader.integer(UInt32.self, at: at),
        let address = reader.integer(UInt64.self, at: at + 16),
        let size = reader.integer(UInt64.self, at: at + 40)
      else { throw unusable("a damaged program header") }
      if type == load {
        lastLoad = index
        end = max(end, address &+ size)
      } else if type == noteType, address == note.address, size == UInt64(note.size) {
        spare = index
      }
    }
    guard spare > lastLoad, lastLoad >= 0, end < 1 << 48 else {
      throw unusable("no program header to spare for the weights")
    }
    let page = UInt64(architecture.mostPageBytes)
    let address = (end + page - 1) / page * page
    let at = table + 56 * spare
    put(load, at: at)
    put(UInt32(4), at: at + 4)  // PF_R
    put(UInt64(offset), at: at + 8)
    put(address, at: at + 16)
    put(address, at: at + 24)
    put(UInt64(count), at: at + 32)
    put(UInt64(count), at: at + 40)
    put(page, at: at + 48)
    return address
  }

  /// Overwrites an integer; the callers have read at the same places.
  private mutating func put<T: FixedWidthInteger>(_ value: T, at offset: Int) {
    bytes.withUnsafeMutableBytes {
      $0.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
    }
  }

  private func unusable(_ what: String) -> Diagnostic {
    Diagnostic(
      "the linker made a library with \(what)", at: .file(path),
      hint: "set VITC_LD to ld.lld or the GNU ld, or put the weights into a file of their own")
  }

  /// Moves `count` bytes within a file; `false` on a failure, which errno tells.
  private static func move(_ file: Int32, from: Int, to: Int, count: Int) -> Bool {
    if from == to { return true }
    let piece = 1 << 20
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 16)
    defer { buffer.deallocate() }
    let starts = Array(stride(from: 0, to: count, by: piece))
    // Source and destination overlap: a move to the back begins at the end.
    for start in to > from ? starts.reversed() : starts {
      let size = min(piece, count - start)
      guard pread(file, buffer.baseAddress, size, off_t(from + start)) == size,
        pwrite(file, buffer.baseAddress, size, off_t(to + start)) == size
      else { return false }
    }
    return true
  }

  /// Writes zeros.
  private static func clear(_ file: Int32, _ range: Range<Int>) -> Bool {
    let zeros = [UInt8](repeating: 0, count: range.count)
    return pwrite(file, zeros, zeros.count, off_t(range.lowerBound)) == zeros.count
  }
}
