import Glibc

/// A file that lives in memory, with a path by which a reader can open it.
///
/// The path names a descriptor of this process; nothing is left behind if the process ends.
final class MemoryFile {
  let path: String
  private let descriptor: Int32

  /// Creates a file of these bytes, followed by zeros up to `count`; they take no memory.
  init(_ bytes: UnsafeRawBufferPointer, paddedTo count: Int = 0) {
    let mode = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC
    let name = "/dev/shm/vitc-fuzz-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    descriptor = open(name, mode, 0o600)
    precondition(descriptor >= 0, "no memory for a file")
    unlink(name)
    let written = bytes.isEmpty ? 0 : write(descriptor, bytes.baseAddress, bytes.count)
    precondition(written == bytes.count, "no memory for \(bytes.count) bytes")
    if count > bytes.count { ftruncate(descriptor, off_t(count)) }
    path = "/proc/self/fd/\(descriptor)"
  }

  deinit { close(descriptor) }
}
