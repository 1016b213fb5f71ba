import Diagnostics
import Files
import Zip

extension NpzArchive {
  /// A member that is written: the bytes of an `.npy` file.
  public enum Member: Sendable {
    /// The array in a file.
    case file(String)
    /// A list of texts, as NumPy stores them: `<U` and the length of the longest.
    case texts([String])
  }

  /// Writes an archive of these members, in this order, as ``write(_:_:)`` does, a file's bytes
  /// never in memory as a whole.
  ///
  /// Errors: what reading a file and ``AtomicFile`` report. A failure leaves no file, or the old
  /// one.
  public static func write(
    _ path: String, members: [(name: String, member: Member)]
  ) throws(Diagnostic) {
    try AtomicFile.write(path: path) { (file: inout OutputFile) throws(Diagnostic) in
      var directory: [UInt8] = []
      for (name, member) in members {
        switch member {
        case .file(let source):
          let mapped = try MappedFile(source)
          let sum = mapped.withUnsafeBytes { checksum($0) }
          directory += try start(name, sum, mapped.count, &file)
          try mapped.withUnsafeBytes { (bytes) throws(Diagnostic) in try file.append(bytes) }
        case .texts(let texts):
          let bytes = array(texts)
          directory += try start(name, bytes.withUnsafeBytes { checksum($0) }, bytes.count, &file)
          try file.append(bytes)
        }
      }
      let start = file.count
      try file.append(directory)
      try file.append(
        ZipRecord.end(count: members.count, start: start, sizeBytes: directory.count))
    }
  }

  /// Writes what comes before a member's bytes and returns its entry of the directory.
  private static func start(
    _ name: String, _ sum: UInt, _ bytes: Int, _ file: inout OutputFile
  ) throws(Diagnostic) -> [UInt8] {
    let entry = ZipRecord(
      name: Array((name + ".npy").utf8), checksum: UInt32(truncatingIfNeeded: sum),
      sizeBytes: bytes, offset: file.count)
    try file.append(entry.local)
    return entry.central
  }

  /// The `.npy` file of texts: their characters as numbers of 32 bits, ended by zeros.
  private static func array(_ texts: [String]) -> [UInt8] {
    let longest = max(1, texts.map(\.unicodeScalars.count).max() ?? 0)
    var bytes = NpyHeader.text(type: "<U\(longest)", shape: [String(texts.count)])
    for text in texts {
      var count = 0
      for scalar in text.unicodeScalars {
        bytes += (0..<4).map { UInt8(truncatingIfNeeded: scalar.value >> (8 * $0)) }
        count += 1
      }
      bytes += [UInt8](repeating: 0, count: 4 * (longest - count))
    }
    return bytes
  }
}
