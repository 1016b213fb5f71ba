import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A regular file mapped read-only: pages are read when they are touched and shared between
/// processes.
///
/// The file must not be shortened while it is mapped: touching a page beyond its end kills the
/// process (SIGBUS), as with every mapping.
public final class MappedFile: Sendable {
  /// The path, as given.
  public let path: String
  /// The number of bytes; at least 1.
  public let count: Int

  // Safe to share: the mapping is read-only and lives as long as the object.
  nonisolated(unsafe) private let base: UnsafeMutableRawPointer

  /// Maps a file.
  ///
  /// Errors, all at `.file(path)`: it does not exist, is a directory, is not a regular file (a pipe
  /// or a device has no bytes to map), may not be read, or is empty.
  public init(_ path: String) throws(Diagnostic) {
    let (file, size) = try RegularFile.open(path)
    defer { close(file) }
    guard size > 0 else { throw Diagnostic("the file is empty", at: .file(path)) }
    guard let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, file, 0), base != MAP_FAILED else {
      throw .system("map the file", path: path, code: errno)
    }
    self.path = path
    self.count = size
    self.base = base
  }

  deinit { munmap(base, count) }

  /// Calls `body` with all bytes; the buffer is valid during the call only (`buffer.bytes` is it as
  /// a `RawSpan`).
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // The closure runs inside a method of self, but only this keeps self alive until its end.
    defer { withExtendedLifetime(self) {} }
    return try body(UnsafeRawBufferPointer(start: base, count: count))
  }

  /// Hands the pages back that lie wholly within some of the bytes; they can be read again.
  ///
  /// What was read counts as this process's memory until then.
  ///
  /// - Precondition: `part` is one of the buffer that ``withUnsafeBytes(_:)`` gives.
  public func release(_ part: UnsafeRawBufferPointer) {
    guard let first = part.baseAddress else { return }
    let (offset, page) = (first - UnsafeRawPointer(base), Int(getpagesize()))
    precondition(offset >= 0 && offset <= count && part.count <= count - offset)
    let start = (offset + page - 1) / page * page
    let end = (offset + part.count) / page * page
    // Where this fails memory stays taken, no more.
    if start < end { _ = madvise(base + start, end - start, MADV_DONTNEED) }
  }
}
