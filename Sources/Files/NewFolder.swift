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
    guard !path.isEmpty else { throw Diagnostic("cannot create a folder without a name") }
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
  /// - Parameters:
  ///   - path: where the folder shall be; the folder that it is in must exist.
  ///   - files: by their names in the folder; no name has a slash.
  /// - Throws: what ``UnfinishedFolder`` throws.
  public static func write(
    path: String, files: [(name: String, bytes: [UInt8])]
  ) throws(Diagnostic) {
    let folder = try UnfinishedFolder(path: path)
    for (name, bytes) in files { try folder.add(name, bytes) }
    try folder.finish()
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
  static func folder(of path: String) -> String {
    var parts = path.split(separator: "/", omittingEmptySubsequences: true)
    guard !parts.isEmpty else { return "/" }
    parts.removeLast()
    let start = path.hasPrefix("/") ? "/" : ""
    return parts.isEmpty ? (start.isEmpty ? "." : "/") : start + parts.joined(separator: "/")
  }
}
