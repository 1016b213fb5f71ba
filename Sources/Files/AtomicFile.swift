import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Writes files so that a reader sees the old contents or the new, never a part, and a failure
/// leaves nothing behind.
public enum AtomicFile {
  /// Writes a file of these bytes; see ``write(path:durable:_:)``.
  public static func write(
    path: String, contents: [UInt8], durable: Bool = false
  ) throws(Diagnostic) {
    try write(path: path, durable: durable) { (file: inout OutputFile) throws(Diagnostic) in
      try file.append(contents)
    }
  }

  /// Writes a file of whatever `body` appends.
  ///
  /// The bytes go to a hidden file in the same folder, which takes the place of `path` by a rename
  /// when all of them are written, and is removed if anything fails. An existing file keeps its
  /// permissions; a symbolic link stays, and the file that it points to is replaced. What is not a
  /// regular file (`/dev/stdout`, a pipe) cannot be replaced and is written directly.
  ///
  /// - Parameters:
  ///   - path: Where the file shall be; its folder must exist.
  ///   - durable: Whether the bytes are on the disk (`fsync`) before the rename, so that they
  ///     outlive a power failure.
  ///   - body: Writes the contents; what it throws is thrown again.
  /// - Throws: At `.file(path)`, the system's reason: the folder does not exist or may not be
  ///   written, `path` is a directory, the disk is full.
  public static func write(
    path: String, durable: Bool = false, _ body: (inout OutputFile) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    var status = stat()
    let exists = stat(path, &status) == 0
    if exists, status.st_mode & S_IFMT == S_IFDIR {
      throw Diagnostic("cannot write the file: it is a directory", at: .file(path))
    }
    if exists, status.st_mode & S_IFMT != S_IFREG {
      return try writeDirectly(path, body)
    }
    let target = try resolvingLink(path)
    let permissions = exists ? status.st_mode & 0o777 : nil
    let temporary = folder(of: target) + Leftovers.newFileName()
    _ = Unfinished.add { temporary }
    defer { Unfinished.forget(temporary) }
    let descriptor = retrying { open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
    guard descriptor >= 0 else { throw creationFailure(path, code: errno) }
    guard Leftovers.hold(descriptor) else {
      close(descriptor)
      // Another process took it for a leftover in the moment before it was locked.
      return try write(path: path, durable: durable, body)
    }
    do throws(Diagnostic) {
      try fill(descriptor, path, permissions, durable, body)
      guard rename(temporary, target) == 0 else {
        throw .system("put the file in place", path: path, code: errno)
      }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Writes and closes the temporary file.
  private static func fill(
    _ descriptor: Int32, _ path: String, _ permissions: mode_t?, _ durable: Bool,
    _ body: (inout OutputFile) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    var isOpen = true
    defer { if isOpen { close(descriptor) } }
    var file = OutputFile(descriptor: descriptor, path: path)
    try body(&file)
    if let permissions, fchmod(descriptor, permissions) != 0 {
      throw .system("keep the permissions of the file", path: path, code: errno)
    }
    if durable, fsync(descriptor) != 0 {
      throw .system("write the file", path: path, code: errno)
    }
    isOpen = false
    // Network file systems report a full disk here.
    if close(descriptor) != 0 { throw .system("write the file", path: path, code: errno) }
  }

  /// Writes to a pipe or device, which a rename would replace by a file.
  ///
  /// Nobody waits for a reader of a pipe who may never come.
  private static func writeDirectly(
    _ path: String, _ body: (inout OutputFile) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    let descriptor = retrying { open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) }
    guard descriptor >= 0 else {
      let failure = errno
      throw .system(
        "open the file", path: path, code: failure,
        hint: failure == ENXIO ? "nobody reads the pipe: start its reader first" : nil)
    }
    defer { close(descriptor) }
    // Opened, it is written to as fast as it is read.
    let flags = fcntl(descriptor, F_GETFL)
    guard flags >= 0, fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) == 0 else {
      throw .system("open the file", path: path, code: errno)
    }
    var file = OutputFile(descriptor: descriptor, path: path)
    try body(&file)
  }

  /// The message for a folder in which nothing can be created.
  static func creationFailure(_ path: String, code: Int32) -> Diagnostic {
    let name = folder(of: path)
    return .system(
      "create the file", path: path, code: code,
      hint: code == ENOENT ? "create the folder '\(name.isEmpty ? "." : name)' first" : nil)
  }

  /// `path` up to and with its last slash; empty if it has none.
  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "" }
    return String(path[...slash])
  }

  /// The path of the file that a symbolic link leads to; `path` itself where it is none, or leads
  /// to nothing yet.
  private static func resolvingLink(_ path: String) throws(Diagnostic) -> String {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK,
      let resolved = realpath(path, nil)
    else { return path }
    defer { free(resolved) }
    // Repaired, it would be the name of another file.
    guard let target = String(validatingCString: resolved) else {
      throw Diagnostic("the link leads to a file whose name is not UTF-8", at: .file(path))
    }
    return target
  }
}
