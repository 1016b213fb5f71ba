import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Unfinished files and folders that a process left that was killed, and how to tell them from
/// those of one that lives: whoever makes one holds a lock on it (`flock`), which ends with the
/// process.
public enum Leftovers {
  /// What the names of unfinished files begin with.
  public static let filePrefix = ".vitc-unfinished-"
  /// What the names of unfinished folders begin with; `mkdtemp` adds six characters.
  public static let folderPrefix = ".vitc-"
  /// The file in an unfinished folder that is locked, and the mark by which the folder is known.
  public static let lockName = ".vitc-lock"

  /// A new name for an unfinished file.
  static func newFileName() -> String {
    filePrefix + String(UInt64.random(in: .min ... .max), radix: 36)
  }

  /// Makes a folder of a new name in `folder` and locks it.
  ///
  /// - Returns: its path and the descriptor that holds the lock, to be closed when the folder is
  ///   gone; `nil` on a failure, which `errno` tells.
  public static func makeFolder(in folder: String) -> (path: String, lock: Int32)? {
    // Another process may take a folder that is not locked yet for a leftover, once.
    for _ in 0..<100 {
      var pattern = Array("\(folder)/\(folderPrefix)XXXXXX".utf8CString)
      let made = Unfinished.add {
        pattern.withUnsafeMutableBufferPointer { buffer in
          buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
      }
      guard let path = made else { return nil }
      let lock = open("\(path)/\(lockName)", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      if lock >= 0, hold(lock) { return (path, lock) }
      let failure = errno
      if lock >= 0 { close(lock) }
      unlink("\(path)/\(lockName)")
      rmdir(path)
      Unfinished.forget(path)
      errno = failure
      guard lock >= 0 || failure == ENOENT else { return nil }
    }
    return nil
  }

  /// Locks an open file that was just made; `false` if it was removed before.
  ///
  /// Where the file system has no locks nobody takes it for a leftover either.
  static func hold(_ file: Int32) -> Bool {
    _ = retrying { flock(file, LOCK_EX) }
    var status = stat()
    return fstat(file, &status) == 0 && status.st_nlink > 0
  }

  /// Removes the leftovers in a folder; what cannot be removed stays.
  public static func remove(in folder: String) {
    guard let entries = opendir(folder) else { return }
    defer { closedir(entries) }
    while let entry = readdir(entries) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      let path = "\(folder)/\(name)"
      if name.hasPrefix(filePrefix) {
        removeFile(path)
      } else if name.hasPrefix(folderPrefix), name.utf8.count == folderPrefix.utf8.count + 6 {
        removeFolder(path)
      }
    }
  }

  private static func removeFile(_ path: String) {
    ifAbandoned(path) { unlink(path) }
  }

  private static func removeFolder(_ path: String) {
    // One that its maker has not marked yet, or that a killed one left so; others are not empty.
    if rmdir(path) == 0 { return }
    ifAbandoned("\(path)/\(lockName)") {
      guard let entries = opendir(path) else { return }
      defer { closedir(entries) }
      while let entry = readdir(entries) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." && name != lockName { unlink("\(path)/\(name)") }
      }
      unlink("\(path)/\(lockName)")
      rmdir(path)
    }
  }

  /// Calls `body` while it holds the lock of a regular file; not if there is none, or another
  /// process holds it.
  private static func ifAbandoned(_ path: String, _ body: () -> Void) {
    // For writing: some network file systems lock no others.
    let file = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY)
    guard file >= 0 else { return }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      flock(file, LOCK_EX | LOCK_NB) == 0
    else { return }
    body()
  }
}
