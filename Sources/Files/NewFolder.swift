import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Writes a folder of files so that it is there with all of them or not at all.
public enum NewFolder {
  /// Throws unless a folder can be made at `path`: nothing may be there but an empty folder.
  ///
  /// - Throws: at `.file(path)`, what is there, or the system's reason.
  public static func check(path: String) throws(Diagnostic) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      guard errno == ENOENT else { throw .system("create the folder", path: path, code: errno) }
      let parent = folder(of: path)
      guard access(parent, W_OK | X_OK) == 0 else {
        throw .system(
          "create the folder", path: path, code: errno,
          hint: errno == ENOENT ? "create the folder '\(parent)' first" : nil)
      }
      return
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw Diagnostic(
        "cannot create the folder: there is something else of this name", at: .file(path),
        hint: "remove it, or choose another name")
    }
    guard isEmpty(path) else {
      throw Diagnostic(
        "cannot create the folder: there is one, and it is not empty", at: .file(path),
        hint: "remove it, or choose another name")
    }
  }

  /// Writes files into a folder that is made for them.
  ///
  /// They go to a hidden folder beside `path`, which takes its place by a rename when all are
  /// written and is removed if anything fails.
  ///
  /// - Parameters:
  ///   - path: where the folder shall be; the folder that it is in must exist.
  ///   - files: by their names in the folder; no name has a slash.
  /// - Throws: what ``check(path:)`` throws; the disk is full.
  public static func write(
    path: String, files: [(name: String, bytes: [UInt8])]
  ) throws(Diagnostic) {
    try check(path: path)
    let parent = folder(of: path)
    Leftovers.remove(in: parent)
    guard let (temporary, lock) = Leftovers.makeFolder(in: parent) else {
      throw .system("create the folder", path: path, code: errno)
    }
    var isInPlace = false
    defer {
      if !isInPlace {
        for (name, _) in files { unlink("\(temporary)/\(name)") }
        unlink("\(temporary)/\(Leftovers.lockName)")
        rmdir(temporary)
      }
      close(lock)
      Unfinished.forget(temporary)
    }
    for (name, bytes) in files {
      try write(bytes, to: "\(temporary)/\(name)", shownAs: "\(path)/\(name)")
    }
    // What everybody may do with it, the umask says: mkdtemp's folders are for the user alone.
    let mask = umask(0)
    umask(mask)
    guard chmod(temporary, 0o777 & ~mask) == 0,
      unlink("\(temporary)/\(Leftovers.lockName)") == 0, rename(temporary, path) == 0
    else { throw .system("put the folder in place", path: path, code: errno) }
    isInPlace = true
  }

  private static func write(
    _ bytes: [UInt8], to path: String, shownAs shown: String
  ) throws(Diagnostic) {
    let descriptor = retrying { open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
    guard descriptor >= 0 else { throw .system("create the file", path: shown, code: errno) }
    var isOpen = true
    defer { if isOpen { close(descriptor) } }
    var file = OutputFile(descriptor: descriptor, path: shown)
    try file.append(bytes)
    isOpen = false
    // Network file systems report a full disk here.
    if close(descriptor) != 0 { throw .system("write the file", path: shown, code: errno) }
  }

  private static func isEmpty(_ path: String) -> Bool {
    guard let entries = opendir(path) else { return false }
    defer { closedir(entries) }
    while let entry = readdir(entries) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { return false }
    }
    return true
  }

  /// The folder that `path` is in.
  private static func folder(of path: String) -> String {
    var parts = path.split(separator: "/", omittingEmptySubsequences: true)
    guard !parts.isEmpty else { return "/" }
    parts.removeLast()
    let start = path.hasPrefix("/") ? "/" : ""
    return parts.isEmpty ? (start.isEmpty ? "." : "/") : start + parts.joined(separator: "/")
  }
}
