import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Opening what shall be a file.
///
/// A pipe would be waited for until somebody writes to it, and opening a device may do anything: so
/// it is asked what is there first.
public enum RegularFile {
  /// Opens a file to read it and returns its descriptor and its size.
  ///
  /// Errors, all at `.file(path)`: it does not exist, is a directory, is a pipe, socket or device,
  /// or may not be read.
  public static func open(_ path: String) throws(Diagnostic) -> (descriptor: Int32, bytes: Int) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw .system("open the file", path: path, code: errno)
    }
    try check(status, path)
    // Another may have taken its place meanwhile: such an open returns at once, whatever it is.
    let file = retrying { openNow(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) }
    guard file >= 0 else { throw .system("open the file", path: path, code: errno) }
    guard fstat(file, &status) == 0 else {
      let failure = errno
      close(file)
      throw .system("examine the file", path: path, code: failure)
    }
    do throws(Diagnostic) {
      try check(status, path)
    } catch {
      close(file)
      throw error
    }
    return (file, Int(status.st_size))
  }

  private static func check(_ status: stat, _ path: String) throws(Diagnostic) {
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR:
      throw Diagnostic("expected a file, found a directory", at: .file(path))
    default:
      throw Diagnostic(
        "expected a regular file, found a pipe, socket or device", at: .file(path),
        hint: "copy the data to a file first")
    }
  }

  /// The size of a file in bytes; `nil` where there is none, or it is no regular file.
  public static func size(_ path: String) -> Int? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
  }

  /// `true` iff both paths lead to one file that exists.
  public static func isSame(_ path: String, _ other: String) -> Bool {
    var (first, second) = (stat(), stat())
    return stat(path, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev
      && first.st_ino == second.st_ino
  }
}

/// The C library's `open`, which the method's name hides.
private func openNow(_ path: String, _ flags: Int32) -> Int32 { open(path, flags) }
