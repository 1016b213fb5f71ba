import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// All files below a folder.
///
/// Folders come in the order of their names, files before folders; links are followed, and each
/// folder is visited once, so that links in a circle end.
public struct FolderWalk: Sendable {
  /// The paths, each beginning with the folder's as given.
  public private(set) var files: [String] = []
  /// What cannot be opened since its name is not UTF-8, as messages show it.
  public private(set) var unusable: [String] = []
  /// Folders that may not be read.
  public private(set) var faults: [Diagnostic] = []

  /// Walks through a folder.
  ///
  /// Errors, all at `.file(path)`: it does not exist, is not a folder, or may not be read. One
  /// below it that may not be read is among ``faults``.
  public init(_ path: String) throws(Diagnostic) {
    var seen: Set<[UInt64]> = []
    // Folders that are still to be visited, the next one last: no recursion, so that no tree is
    // too deep.
    var folders = [path]
    while let folder = folders.popLast() {
      guard Self.isNew(folder, &seen) else { continue }
      let found: FolderNames
      do throws(Diagnostic) {
        found = try FolderNames(folder)
      } catch {
        if folder == path { throw error }
        faults.append(error)
        continue
      }
      let prefix = folder.hasSuffix("/") ? folder : folder + "/"
      unusable += found.unusable.map { prefix + $0 }
      var inner: [String] = []
      for name in found.names {
        if Self.isFolder(prefix + name) {
          inner.append(prefix + name)
        } else {
          files.append(prefix + name)
        }
      }
      folders += inner.reversed()
    }
  }

  /// Whether something is a folder, or a link to one.
  public static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  private static func isNew(_ folder: String, _ seen: inout Set<[UInt64]>) -> Bool {
    var status = stat()
    guard stat(folder, &status) == 0 else { return true }
    return seen.insert([UInt64(status.st_dev), UInt64(status.st_ino)]).inserted
  }
}
