import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What is in a folder, as the system has it.
enum FolderEntries {
  /// What an entry is, as far as the folder tells.
  enum Kind {
    /// A folder.
    case folder
    /// A link, or what the file system does not tell.
    case unknown
    /// Anything else.
    case other
  }

  /// Calls `body` with the bytes of each name, in no order; neither `.` nor `..`.
  ///
  /// Errors, all at `.file(path)`: it does not exist, is not a folder, or may not be read; reading
  /// breaks off; what `body` throws.
  static func forEach(
    _ path: String, _ body: ([UInt8], Kind) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    guard let folder = opendir(path) else {
      throw .system("list the folder", path: path, code: errno)
    }
    defer { closedir(folder) }
    while true {
      // At the end it stays, and on a failure it tells.
      errno = 0
      guard let entry = readdir(folder) else {
        guard errno == 0 else { throw .system("list the folder", path: path, code: errno) }
        return
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name == [UInt8(ascii: ".")] || name == [UInt8(ascii: "."), UInt8(ascii: ".")] { continue }
      let kind: Kind =
        switch Int(entry.pointee.d_type) {
        case Int(DT_DIR): .folder
        case Int(DT_LNK), Int(DT_UNKNOWN): .unknown
        default: .other
        }
      try body(name, kind)
    }
  }
}
