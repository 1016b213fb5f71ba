import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A walk through all files below a folder, in memory that does not depend on their number: what
/// grows is the set of folders seen, and the names in each folder on the way down.
///
/// Folders come in the order of their names, files before folders; links are followed, and each
/// folder is visited once, so that links in a circle end; folders that are hidden are not.
public enum FolderWalk {
  /// What is found.
  public enum Entry: Sendable {
    /// A file: its path, which begins with the folder's as given.
    case file(String)
    /// What cannot be opened since its name is not UTF-8: its path as messages show it.
    case unusable(String)
    /// A folder that is hidden, its name begins with a point: it is not visited.
    case hidden(String)
    /// A folder that may not be read.
    case fault(Diagnostic)
  }

  /// A folder that is being visited.
  private struct Level {
    let prefix: String
    let names: SortedTexts
  }

  /// What is sorted: a letter, so that files come first and folders last, and the name.
  private enum Mark: UInt8 {
    case file = 0x30
    case unusable, folder

    var text: String { String(UnicodeScalar(rawValue)) }
  }

  private struct Identity: Hashable {
    let device: UInt64
    let number: UInt64
  }

  /// Calls `body` for each file below a folder.
  ///
  /// A folder is read when its turn comes, then as a whole.
  ///
  /// Errors: at `.file(path)`, it does not exist, is not a folder, or may not be read; there is no
  /// place for what must be sorted; what `body` throws. A folder below it that may not be read is a
  /// ``Entry/fault(_:)``.
  public static func visit(
    _ path: String, _ space: ScratchSpace, _ body: (Entry) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    var seen: Set<Identity> = []
    _ = isNew(path, &seen)
    // No recursion, so that no tree is too deep.
    var levels = [try level(path, space).get()]
    while let last = levels.last {
      guard let entry = try last.names.next() else {
        levels.removeLast()
        continue
      }
      // By bytes: a name may begin with what joins the mark before it to one character.
      let found = last.prefix + String(Substring(entry.utf8.dropFirst()))
      switch entry.utf8.first {
      case Mark.file.rawValue: try body(.file(found))
      case Mark.unusable.rawValue: try body(.unusable(found))
      default:
        guard !entry.utf8.dropFirst().starts(with: ".".utf8) else {
          try body(.hidden(found))
          continue
        }
        guard isNew(found, &seen) else { continue }
        switch try level(found, space) {
        case .success(let level): levels.append(level)
        case .failure(let fault): try body(.fault(fault))
        }
      }
    }
  }

  /// Reads what is in a folder; what is wrong with the folder is returned.
  ///
  /// Errors: there is no place for the names.
  private static func level(
    _ folder: String, _ space: ScratchSpace
  ) throws(Diagnostic) -> Result<Level, Diagnostic> {
    let prefix = folder.hasSuffix("/") ? folder : folder + "/"
    var sorter = TextSorter(space, by: .strings)
    var failure: Diagnostic?
    do throws(Diagnostic) {
      try FolderEntries.forEach(folder) { (bytes, kind) throws(Diagnostic) in
        let name = String(validating: bytes, as: UTF8.self)
        let mark: Mark =
          if let name {
            kind == .folder || (kind == .unknown && isFolder(prefix + name)) ? .folder : .file
          } else {
            .unusable
          }
        do throws(Diagnostic) {
          try sorter.append(mark.text + (name ?? PlainText.shown(bytes)))
        } catch {
          failure = error
          throw error
        }
      }
    } catch {
      if let failure { throw failure }
      return .failure(error)
    }
    return .success(Level(prefix: prefix, names: try sorter.sorted()))
  }

  /// Whether something is a folder, or a link to one.
  public static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  private static func isNew(_ folder: String, _ seen: inout Set<Identity>) -> Bool {
    var status = stat()
    guard stat(folder, &status) == 0 else { return true }
    let identity = Identity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
    return seen.insert(identity).inserted
  }
}
