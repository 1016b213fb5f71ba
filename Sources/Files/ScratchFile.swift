import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Where work may put what is too much to keep in memory, and how much it may keep.
public struct ScratchSpace: Sendable {
  /// How many bytes each collection keeps in memory before it goes to a file; of few things none is
  /// made.
  public let memoryBytes: Int
  /// The folders that are tried, in order.
  let folders: [String]

  /// What a collection keeps by default: of paths of usual length a few thousand.
  public static let usualBytes = 1 << 18

  /// Takes the folder of a file that is to be written, where the space for it must be anyway, or
  /// else the folder for temporary files.
  ///
  /// - Parameters:
  ///   - path: The file; `nil`: only the folder for temporary files.
  ///   - memoryBytes: How many bytes each collection keeps in memory.
  public init(beside path: String? = nil, memoryBytes: Int = usualBytes) {
    self.memoryBytes = memoryBytes
    let temporary = getenv("TMPDIR").map { String(cString: $0) } ?? ""
    let last = temporary.isEmpty ? "/tmp" : temporary
    guard let path else {
      folders = [last]
      return
    }
    let folder = Path.folder(of: path)
    folders = [folder.isEmpty ? "." : folder, last]
  }

  /// Takes these folders alone.
  init(folders: [String], memoryBytes: Int) {
    self.folders = folders
    self.memoryBytes = memoryBytes
  }
}

/// A file without a name that bytes are added to: gone when it is closed, also by the end of a
/// process that is killed.
final class ScratchFile {
  /// The number of bytes.
  private(set) var count = 0
  private let descriptor: Int32
  private let folder: String

  /// Makes an empty file.
  ///
  /// Errors, at `.file(folder)`: in none of the folders a file can be made.
  init(_ space: ScratchSpace) throws(Diagnostic) {
    var failure: Int32 = 0
    for folder in space.folders {
      let path = "\(folder)/\(Leftovers.newFileName())"
      let file = Unfinished.uninterrupted { () -> Int32 in
        let file = retrying { open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
        // If another process took it for a leftover already, it has no name either.
        if file >= 0 { unlink(path) } else { failure = errno }
        return file
      }
      guard file < 0 else {
        descriptor = file
        self.folder = folder
        return
      }
    }
    throw .system(
      "make a temporary file", path: space.folders.last ?? "", code: failure,
      hint: "name a folder that can be written by the environment variable TMPDIR")
  }

  deinit { close(descriptor) }

  /// Writes these bytes after the others and returns where they are.
  @discardableResult
  func append(_ bytes: [UInt8]) throws(Diagnostic) -> Range<Int> {
    let start = count
    let failure = bytes.withUnsafeBytes { bytes -> Int32 in
      var rest = bytes
      while let base = rest.baseAddress, !rest.isEmpty {
        let written = retrying { pwrite(descriptor, base, rest.count, off_t(count)) }
        guard written > 0 else { return written < 0 ? errno : EIO }
        count += written
        rest = UnsafeRawBufferPointer(rebasing: rest[written...])
      }
      return 0
    }
    guard failure == 0 else {
      throw .system("write a temporary file", path: folder, code: failure)
    }
    return start..<count
  }

  /// Reads bytes that were written.
  func read(_ range: Range<Int>) throws(Diagnostic) -> [UInt8] {
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, done in
      done = 0
      while let base = buffer.baseAddress, done < range.count {
        let place = off_t(range.lowerBound + done)
        let found = retrying { pread(descriptor, base + done, range.count - done, place) }
        guard found > 0 else {
          failure = found < 0 ? errno : EIO
          return
        }
        done += found
      }
    }
    guard failure == 0 else {
      throw .system("read a temporary file", path: folder, code: failure)
    }
    return bytes
  }
}
