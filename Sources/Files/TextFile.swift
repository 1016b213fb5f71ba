import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The bytes of a file that a person wrote: a text, not data.
public enum TextFile {
  /// Larger files are no texts: names of classes, graphs.
  public static let mostBytes = 100_000_000

  /// Reads a file of at most ``mostBytes``.
  ///
  /// Errors, all at `.file(path)`: what ``MappedFile`` reports; it is larger.
  public static func bytes(_ path: String) throws(Diagnostic) -> [UInt8] {
    let file = try MappedFile(path)
    guard file.count <= mostBytes else {
      throw Diagnostic(
        "is \(file.count) bytes, which is too large for a text, expected \(mostBytes) at most",
        at: .file(path))
    }
    return file.withUnsafeBytes { Array($0) }
  }

  /// Reads standard input to its end, at most ``mostBytes``.
  ///
  /// Errors: reading fails, or there is more.
  public static func standardInput() throws(Diagnostic) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count <= mostBytes {
      let count = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1 << 16) { buffer in
        let count = retrying { read(STDIN_FILENO, buffer.baseAddress, buffer.count) }
        bytes += buffer[..<max(0, count)]
        return count
      }
      if count < 0 { throw .system("read", path: "standard input", code: errno) }
      if count == 0 { return bytes }
    }
    throw Diagnostic(
      "is more than \(mostBytes) bytes, which is too large for a text",
      at: .file("standard input"))
  }

  /// Returns bytes as text.
  ///
  /// Errors, at `.file(path)`: they are not UTF-8, or have a zero byte, as UTF-16 without a mark
  /// has.
  public static func text(_ bytes: [UInt8], _ path: String) throws(Diagnostic) -> String {
    guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
      throw Diagnostic(
        "is not a text in UTF-8", at: .file(path),
        hint: "convert it, for example with 'iconv -f latin1 -t utf-8'")
    }
    return text
  }
}
