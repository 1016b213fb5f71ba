import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A folder in the making, file by file: it is there with all its files or not at all.
///
/// Files go to a hidden folder beside `path`, which takes its place by a rename when it is
/// finished. Without that it is removed with this object.
public final class UnfinishedFolder {
  private let path: String
  private let temporary: String
  private let lock: Int32
  private var names: [String] = []
  private var isInPlace = false

  /// Begins a folder.
  ///
  /// - Parameter path: where the folder shall be; the folder that it is in must exist.
  /// - Throws: what ``NewFolder/check(path:)`` throws; the hidden folder cannot be made.
  public init(path: String) throws(Diagnostic) {
    try NewFolder.check(path: path)
    let parent = NewFolder.folder(of: path)
    Leftovers.remove(in: parent)
    guard let (temporary, lock) = Leftovers.makeFolder(in: parent) else {
      throw .system("create the folder", path: path, code: errno)
    }
    self.path = path
    self.temporary = temporary
    self.lock = lock
  }

  deinit {
    if !isInPlace {
      for name in names { unlink("\(temporary)/\(name)") }
      unlink("\(temporary)/\(Leftovers.lockName)")
      rmdir(temporary)
    }
    close(lock)
    Unfinished.forget(temporary)
  }

  /// Writes a file.
  ///
  /// - Parameter name: its name in the folder, without a slash.
  /// - Throws: the disk is full; there is a file of this name.
  public func add(_ name: String, _ bytes: [UInt8]) throws(Diagnostic) {
    let shown = "\(path)/\(name)"
    let descriptor = retrying {
      open("\(temporary)/\(name)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    }
    guard descriptor >= 0 else { throw .system("create the file", path: shown, code: errno) }
    names.append(name)
    var isOpen = true
    defer { if isOpen { close(descriptor) } }
    var file = OutputFile(descriptor: descriptor, path: shown)
    try file.append(bytes)
    isOpen = false
    // Network file systems report a full disk here.
    if close(descriptor) != 0 { throw .system("write the file", path: shown, code: errno) }
  }

  /// Puts the folder in its place; nothing can be added afterwards.
  ///
  /// - Throws: something has come to be there.
  public func finish() throws(Diagnostic) {
    // What everybody may do with it, the umask says: mkdtemp's folders are for the user alone.
    let mask = umask(0)
    umask(mask)
    guard chmod(temporary, 0o777 & ~mask) == 0,
      unlink("\(temporary)/\(Leftovers.lockName)") == 0, rename(temporary, path) == 0
    else { throw .system("put the folder in place", path: path, code: errno) }
    isInPlace = true
  }
}
