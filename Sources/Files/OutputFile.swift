import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file that is being written, handed to the closure of ``AtomicFile/write(path:durable:_:)``.
public struct OutputFile: ~Copyable {
  /// The path that errors name: where the file will be.
  public let path: String
  /// The number of bytes written so far.
  public private(set) var count = 0

  let descriptor: Int32

  init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  /// Writes these bytes after what was written.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) throws(Diagnostic) {
    var rest = bytes
    while let base = rest.baseAddress, !rest.isEmpty {
      // Linux writes at most 2 GiB at once and may write less than asked, just before it reports a
      // full disk.
      let written = retrying { write(descriptor, base, rest.count) }
      guard written >= 0 else { throw .system("write the file", path: path, code: errno) }
      guard written > 0 else { throw .system("write the file", path: path, code: EIO) }
      count += written
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }

  /// Writes these bytes after what was written.
  public mutating func append(_ bytes: [UInt8]) throws(Diagnostic) {
    let result = bytes.withUnsafeBytes { buffer in attempt(buffer) }
    try result.get()
  }

  /// Writes the memory of these numbers, in the byte order of this machine.
  public mutating func append(_ values: [Float]) throws(Diagnostic) {
    let result = values.withUnsafeBytes { buffer in attempt(buffer) }
    try result.get()
  }

  /// ``append(_:)`` as a value: the array accessors of the standard library know no typed throws.
  private mutating func attempt(_ bytes: UnsafeRawBufferPointer) -> Result<Void, Diagnostic> {
    do throws(Diagnostic) {
      try append(bytes)
      return .success(())
    } catch {
      return .failure(error)
    }
  }
}
