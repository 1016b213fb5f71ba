import CVitSystem

/// Where a file beside the library may be: in the folder of the file that the program's own
/// code comes from, or of the name that it was loaded by.
///
/// They differ for a library that was loaded through a symbolic link, or by a relative path before
/// `chdir`, and for an executable that was started by a link: then the dynamic linker knows the
/// name only, and the kernel knows the file.
struct LibraryPlace {
  /// Beside the file itself.
  let real: UnsafeMutablePointer<CChar>
  /// Beside the name; the same as `real` where nothing else is known.
  let asLoaded: UnsafeMutablePointer<CChar>
  private let memory: UnsafeMutableRawPointer

  /// Bytes of the longest path that Linux takes.
  private static var mostBytes: Int { 4096 }
  /// Bytes that are read at a time.
  private static var bufferBytes: Int { 4096 }

  /// Finds the paths of the file `name`; `nil` without memory.
  init?(_ program: UnsafePointer<vit_program>, beside name: UnsafePointer<CChar>) {
    let nameBytes = Int(strlen(name)) &+ 1
    let pathBytes = LibraryPlace.mostBytes &+ nameBytes
    // Two paths, and a buffer to read into.
    let bytes = 2 &* pathBytes &+ LibraryPlace.bufferBytes
    guard let memory = malloc(numericCast(bytes)) else { return nil }
    self.memory = memory
    real = memory.bindMemory(to: CChar.self, capacity: pathBytes)
    asLoaded = (memory + pathBytes).bindMemory(to: CChar.self, capacity: pathBytes)

    var loadedFolder = 0
    var info = vit_dl_info()
    if dladdr(program, &info) != 0, let file = info.file {
      while file[loadedFolder] != 0, loadedFolder < LibraryPlace.mostBytes {
        asLoaded[loadedFolder] = file[loadedFolder]
        loadedFolder &+= 1
      }
      loadedFolder = LibraryPlace.folder(of: asLoaded, loadedFolder)
    }
    var realFolder = LibraryPlace.findFile(
      of: UInt(bitPattern: program), into: real, buffer: memory + 2 &* pathBytes)
    realFolder = LibraryPlace.folder(of: real, realFolder)
    // Without /proc, or in memory that is not a file.
    if realFolder == 0 {
      for i in 0..<loadedFolder { real[i] = asLoaded[i] }
      realFolder = loadedFolder
    }
    for i in 0..<nameBytes {
      real[realFolder &+ i] = name[i]
      asLoaded[loadedFolder &+ i] = name[i]
    }
  }

  /// Frees the paths.
  func release() { free(memory) }

  /// The length of a path of `count` bytes up to and including its last slash; 0 without one.
  private static func folder(of path: UnsafePointer<CChar>, _ count: Int) -> Int {
    var length = count
    while length > 0 && path[length &- 1] != 0x2f { length &-= 1 }
    return length
  }

  /// Writes the path of the file that is mapped at an address; returns its length, 0 if unknown.
  ///
  /// A line of /proc/self/maps is "from-to rights offset device inode", spaces, and the path.
  private static func findFile(
    of address: UInt, into path: UnsafeMutablePointer<CChar>, buffer: UnsafeMutableRawPointer
  ) -> Int {
    let file = vit_open_to_read("/proc/self/maps")
    guard file >= 0 else { return 0 }
    defer { _ = close(file) }
    var line = MapsLine(address: address)
    while true {
      let count = Int(read(file, buffer, numericCast(bufferBytes)))
      guard count > 0 else { return 0 }
      for i in 0..<count
      where line.take(buffer.load(fromByteOffset: i, as: UInt8.self), into: path) {
        return line.length
      }
    }
  }

  /// The part of a line that has been read.
  private struct MapsLine {
    let address: UInt
    /// The path's bytes.
    var length = 0
    private var from: UInt = 0
    private var number: UInt = 0
    private var holds = false
    /// The field of the line, from 0 on.
    private var field = 0

    init(address: UInt) { self.address = address }

    /// Takes the next byte; returns `true` iff it ends the line of the address, whose path then is
    /// written.
    mutating func take(_ byte: UInt8, into path: UnsafeMutablePointer<CChar>) -> Bool {
      let pathField = 5
      if byte == 0x0a {
        if holds { return true }
        self = MapsLine(address: address)
        return false
      }
      if field == pathField {
        // Spaces are part of a path once it began.
        if length > 0 || byte != 0x20, length < LibraryPlace.mostBytes {
          path[length] = CChar(truncatingIfNeeded: byte)
          length &+= 1
        }
        return false
      }
      if byte == 0x20 {
        if field == 0 { holds = from <= address && address < number }
        field &+= 1
      } else if field == 0 {
        if byte == 0x2d {
          from = number
          number = 0
        } else {
          number = number &<< 4 | UInt(byte < 0x3a ? byte &- 0x30 : byte &- 0x57)
        }
      }
      return false
    }
  }
}
