import Diagnostics
import Files

/// The bytes of a tokenizer's file.
enum TokenizerFile {
  /// The largest that is known, of 900 000 pieces, has 60 MB.
  private static let mostBytes = 500_000_000

  /// Reads a file.
  ///
  /// Errors, at `.file(path)`: what ``MappedFile`` reports; it is larger than any tokenizer's.
  static func bytes(_ path: String) throws(Diagnostic) -> [UInt8] {
    let file = try MappedFile(path)
    guard file.count <= mostBytes else {
      throw Diagnostic(
        "is \(file.count) bytes, which is too large for a tokenizer, expected \(mostBytes) at most",
        at: .file(path))
    }
    return file.withUnsafeBytes { Array($0) }
  }

  /// `true` iff there is a file.
  static func exists(_ path: String) -> Bool { RegularFile.size(path) != nil }
}
