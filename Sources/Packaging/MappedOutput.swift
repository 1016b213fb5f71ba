import Diagnostics
import Files
import Glibc

/// A file under construction, mapped into memory: written in place, without a copy.
///
/// Its blocks are reserved at once, so a full disk is an error here and not a signal while bytes
/// are written. It is removed unless `finish()` was reached.
final class MappedOutput {
  /// Where the file is until it is renamed.
  let path: String
  /// All its bytes, zero at first.
  let bytes: UnsafeMutableRawBufferPointer
  private let file: Int32
  private var isOpen = true

  /// Creates a file of `count` bytes; an existing one is replaced.
  ///
  /// Of the first `hole` bytes only those that will be written take space.
  init(path: String, count: Int, hole: Int = 0) throws(Diagnostic) {
    self.path = path
    file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw FileError.diagnostic("cannot create the file", path, errno) }
    let failure = posix_fallocate(file, off_t(hole), off_t(max(1, count - hole)))
    guard failure == 0 else {
      close(file)
      unlink(path)
      throw FileError.diagnostic("cannot reserve \(count) bytes", path, failure)
    }
    let start = mmap(nil, max(1, count), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
    guard let start, start != MAP_FAILED else {
      let failure = errno
      close(file)
      unlink(path)
      throw FileError.diagnostic("cannot map \(count) bytes", path, failure)
    }
    bytes = UnsafeMutableRawBufferPointer(start: start, count: count)
  }

  deinit {
    guard isOpen else { return }
    unmap()
    unlink(path)
  }

  private func unmap() {
    munmap(bytes.baseAddress, max(1, bytes.count))
    close(file)
    isOpen = false
  }

  /// Writes bytes at a place of the file, from any thread; `bytes` shows them.
  ///
  /// For much data that is twice as fast as writing to `bytes`, where each page costs a fault and
  /// is cleared first; and it takes none of this process's memory.
  func write(_ source: UnsafeRawBufferPointer, at offset: Int) throws(Diagnostic) {
    var done = 0
    while done < source.count {
      let count = pwrite(
        file, source.baseAddress.map { $0 + done }, source.count - done, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw FileError.diagnostic("cannot write \(source.count) bytes", path, errno)
      }
      done += count
    }
  }

  /// Ends the mapping and keeps the file; `bytes` must not be used after it.
  func finish() {
    if isOpen { unmap() }
  }
}

/// Failures of the file system as diagnostics.
enum FileError {
  /// What a user knows of a path: of an unfinished file, the folder where it was to appear.
  private static func place(_ path: String) -> String {
    guard let hidden = path.firstRange(of: "/.vitc-") else { return path }
    return hidden.lowerBound == path.startIndex ? "/" : String(path[..<hidden.lowerBound])
  }

  /// Returns a diagnostic that names the file, says what could not be done, and why.
  static func diagnostic(_ what: String, _ path: String, _ code: Int32) -> Diagnostic {
    let reason = String(cString: strerror(code)).lowercased()
    let hint: String? =
      switch code {
      case ENOSPC, EDQUOT: "free some space, or choose another folder with -o"
      case EACCES, EPERM, EROFS: "choose a folder that you may write to with -o"
      case ENOENT: "create the folder first"
      case EFBIG: "raise the limit on file sizes (ulimit -f), or choose another file system with -o"
      default: nil
      }
    return Diagnostic("\(what): \(reason)", at: .file(place(path)), hint: hint)
  }

  /// Reads a whole file.
  static func read(_ path: String) throws(Diagnostic) -> [UInt8] {
    let (file, count) = try RegularFile.open(path)
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeMutableBytes {
        Glibc.read(file, $0.baseAddress.map { $0 + done }, $0.count - done)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw diagnostic("cannot read the file", path, errno) }
      done += count
    }
    return bytes
  }

  /// Writes a whole file.
  static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws(Diagnostic) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw diagnostic("cannot create the file", path, errno) }
    var done = 0
    while done < bytes.count {
      let count = Glibc.write(file, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        let failure = errno
        close(file)
        unlink(path)
        throw diagnostic("cannot write \(bytes.count) bytes", path, failure)
      }
      done += count
    }
    guard close(file) == 0 else { throw diagnostic("cannot write the file", path, errno) }
  }

  /// Writes text as a whole file.
  static func write(_ text: String, to path: String) throws(Diagnostic) {
    let bytes = Array(text.utf8)
    try write(bytes, to: path)
  }

  /// Writes bytes as a whole file.
  static func write(_ bytes: [UInt8], to path: String) throws(Diagnostic) {
    // withUnsafeBytes does not carry the error's type.
    let result = bytes.withUnsafeBytes { raw -> Result<Void, Diagnostic> in
      Result { () throws(Diagnostic) in try write(raw, to: path) }
    }
    try result.get()
  }
}
