import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file that long work adds to, so that what is done outlives an interruption; only one process
/// at a time has it open.
///
/// What was appended is the system's when the call returns: a process that is killed loses nothing
/// of it. (A machine that loses its power may.)
public final class GrowingFile {
  /// The path, as given.
  public let path: String
  /// The number of bytes.
  public private(set) var count: Int
  private let descriptor: Int32

  /// How a file is opened.
  public enum Mode: Sendable {
    /// It must not exist.
    case new
    /// It must exist.
    case existing
  }

  /// Opens a file.
  ///
  /// Errors, all at `.file(path)`: it exists, or does not, as `mode` has it; it is not a regular
  /// file; another process has it open so; the system's reason.
  public init(_ path: String, _ mode: Mode) throws(Diagnostic) {
    let flags = O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (mode == .new ? O_CREAT | O_EXCL : 0)
    let file = retrying { open(path, flags, 0o666) }
    guard file >= 0 else {
      if mode == .new { throw AtomicFile.creationFailure(path, code: errno) }
      throw .system("open the file", path: path, code: errno)
    }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(file)
      throw Diagnostic("expected a regular file", at: .file(path))
    }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      close(file)
      throw Diagnostic("another process is writing it", at: .file(path))
    }
    self.path = path
    descriptor = file
    count = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// Writes these bytes after the others.
  public func append(_ bytes: UnsafeRawBufferPointer) throws(Diagnostic) {
    try write(bytes, at: count)
    count += bytes.count
  }

  /// Writes these bytes after the others.
  public func append(_ bytes: [UInt8]) throws(Diagnostic) {
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(Diagnostic) in try append(bytes) }
    }
    try result.get()
  }

  /// Writes the memory of these numbers, in the byte order of this machine.
  public func append(_ values: [Float]) throws(Diagnostic) {
    let result = values.withUnsafeBytes { bytes in
      Result { () throws(Diagnostic) in try append(bytes) }
    }
    try result.get()
  }

  /// Writes these bytes over those that begin at `offset`; they must lie within the file.
  public func overwrite(_ bytes: [UInt8], at offset: Int) throws(Diagnostic) {
    precondition(offset >= 0 && offset + bytes.count <= count, "bytes beyond the end of the file")
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(Diagnostic) in try write(bytes, at: offset) }
    }
    try result.get()
  }

  /// Cuts off what is behind the first `count` bytes, of which the file must have so many.
  public func truncate(to count: Int) throws(Diagnostic) {
    precondition(count >= 0 && count <= self.count, "a file is not made longer")
    guard retrying({ ftruncate(descriptor, off_t(count)) }) == 0 else {
      throw .system("shorten the file", path: path, code: errno)
    }
    self.count = count
  }

  /// Gives the file its name; one of that name is replaced.
  public func rename(to name: String) throws(Diagnostic) {
    guard moved(path, name) == 0 else {
      throw .system("put the file in place", path: name, code: errno)
    }
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(Diagnostic) {
    var (rest, place) = (bytes, offset)
    while let base = rest.baseAddress, !rest.isEmpty {
      let written = retrying { pwrite(descriptor, base, rest.count, off_t(place)) }
      guard written > 0 else {
        throw .system("write the file", path: path, code: written < 0 ? errno : EIO)
      }
      place += written
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }
}

/// The C library's `rename`, which the method's name hides.
private func moved(_ path: String, _ name: String) -> Int32 { rename(path, name) }
