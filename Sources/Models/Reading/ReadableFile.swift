import Diagnostics
import Files

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file open for reading at any offset, by any number of threads.
///
/// Positioned reads rather than a mapping: a file that shrinks while it is read gives an error
/// instead of a signal, and its pages do not count as memory of this process.
final class ReadableFile: Sendable {
  let path: String
  /// The size when the file was opened.
  let sizeBytes: Int
  private let descriptor: Int32

  init(_ path: String) throws(Diagnostic) {
    let (descriptor, bytes) = try RegularFile.open(path)
    self.path = path
    self.sizeBytes = bytes
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  private static func failure(_ what: String, _ path: String) -> Diagnostic {
    Diagnostic("\(what): \(String(cString: strerror(errno)))", at: .file(path))
  }

  /// Fills `buffer` with the bytes from `offset` on.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(Diagnostic) {
    guard let base = buffer.baseAddress else { return }
    var done = 0
    while done < buffer.count {
      let count = pread(descriptor, base + done, buffer.count - done, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw Self.failure("cannot be read", path) }
      guard count > 0 else {
        throw Diagnostic(
          "ends at byte \(offset + done); it had \(sizeBytes) bytes when it was opened",
          at: .file(path))
      }
      done += count
    }
  }

  /// Returns `count` bytes from `offset` on.
  func bytes(at offset: Int, count: Int) throws(Diagnostic) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: count)
    try result.withUnsafeMutableBufferPointer { (buffer) throws(Diagnostic) in
      try read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
    }
    return result
  }
}
