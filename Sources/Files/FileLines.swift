import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The lines of a file, one after the other, in constant memory.
public final class FileLines {
  /// Longer lines are no lines: a hundred times the longest path.
  public static let mostBytes = 1 << 20

  /// The offset of what follows the line that was returned last.
  public private(set) var offset = 0
  /// Whether that line had its end.
  public private(set) var isEnded = true

  private let descriptor: Int32
  private let name: String
  private var buffer: [UInt8] = []
  private var start = 0
  private var isAtEnd = false

  /// How many bytes are read at once.
  private static let bufferBytes = 1 << 16

  /// Opens a file.
  ///
  /// Errors: those of ``RegularFile/open(_:)``.
  public init(_ path: String) throws(Diagnostic) {
    descriptor = try RegularFile.open(path).descriptor
    name = path
  }

  /// Reads standard input.
  public init() {
    descriptor = STDIN_FILENO
    name = "standard input"
  }

  deinit { if descriptor != STDIN_FILENO { close(descriptor) } }

  /// The bytes of the next line, without the `\n` that ends it; `nil` after the last.
  ///
  /// Errors, at `.file(path)`: reading fails; a line is longer than ``mostBytes``.
  public func next() throws(Diagnostic) -> [UInt8]? {
    var searched = start
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        return take(end, isEnded: true)
      }
      let found = buffer.count - start
      guard found <= Self.mostBytes else {
        throw Diagnostic(
          "has a line of more than \(Self.mostBytes) bytes, which is no text", at: .file(name))
      }
      if isAtEnd { return found == 0 ? nil : take(buffer.count, isEnded: false) }
      buffer.removeFirst(start)
      start = 0
      searched = found
      try read()
    }
  }

  private func take(_ end: Int, isEnded: Bool) -> [UInt8] {
    let line = Array(buffer[start..<end])
    self.isEnded = isEnded
    start = end + (isEnded ? 1 : 0)
    offset += line.count + (isEnded ? 1 : 0)
    return line
  }

  private func read() throws(Diagnostic) {
    let count = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.bufferBytes) { part in
      let count = retrying { readNow(descriptor, part.baseAddress, part.count) }
      buffer += part[..<max(0, count)]
      return count
    }
    if count < 0 { throw .system("read", path: name, code: errno) }
    isAtEnd = count == 0
  }

  /// Calls `body` for each line of a text, by whatever it is ended and without its end; a byte
  /// order mark at the start is dropped.
  ///
  /// Errors, at `.file(path)`: it is not UTF-8; what ``next()`` reports; what `body` throws.
  public func forEachText(
    _ body: (String) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    var isFirst = true
    while var line = try next() {
      if isFirst, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
      isFirst = false
      for part in try TextFile.text(line, name).split(whereSeparator: \.isNewline) {
        try body(String(part))
      }
    }
  }
}

/// The C library's `read`, which the method's name hides.
private func readNow(_ file: Int32, _ place: UnsafeMutablePointer<UInt8>?, _ count: Int) -> Int {
  read(file, place, count)
}
