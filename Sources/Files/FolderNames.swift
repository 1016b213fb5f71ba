import Diagnostics

/// The names of what is in a folder.
///
/// A file system's names are bytes, and Swift's texts are UTF-8: reading other bytes as text gives
/// the name of another file, or of none. So names that are not UTF-8 are kept apart.
public struct FolderNames: Hashable, Sendable {
  /// The names, sorted; neither `.` nor `..`.
  public let names: [String]
  /// What is not UTF-8, as messages show it (`\xFF` for a byte that is no character), sorted.
  public let unusable: [String]

  /// Reads a folder.
  ///
  /// Errors, all at `.file(path)`: it does not exist, is not a folder, or may not be read.
  public init(_ path: String) throws(Diagnostic) {
    var (names, unusable) = ([String](), [String]())
    try FolderEntries.forEach(path) { bytes, _ in
      if let name = String(validating: bytes, as: UTF8.self) {
        names.append(name)
      } else {
        unusable.append(PlainText.shown(bytes))
      }
    }
    self.names = names.sorted()
    self.unusable = unusable.sorted()
  }
}
