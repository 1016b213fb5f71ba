import CSHA256
import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A SHA-256 (FIPS 180-4), what `sha256sum` prints and the Hugging Face hub names large files by.
public struct SHA256: Hashable, Sendable, CustomStringConvertible {
  /// Its 32 bytes.
  public let bytes: [UInt8]

  /// 64 hexadecimal digits.
  public var description: String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// What files are read by, so that no file is in memory as a whole.
  private static let chunkBytes = 1 << 20

  /// The digest of bytes.
  ///
  /// - Parameter isPortable: `true` iff the processor's own instructions stay unused.
  public init(of bytes: [UInt8], isPortable: Bool = false) {
    var digest = csha256()
    csha256_begin(&digest, isPortable ? 1 : 0)
    bytes.withUnsafeBytes { csha256_add(&digest, $0.baseAddress, $0.count) }
    self.init(ending: &digest)
  }

  /// The digest of a file.
  ///
  /// - Parameter isWanted: asked before each part of the file is read; after `false` the rest is
  ///   not read, and the digest means nothing.
  /// - Throws: at `.file(path)`: it cannot be opened or read.
  public init(file path: String, isWanted: () -> Bool = { true }) throws(Diagnostic) {
    let file = try RegularFile.open(path).descriptor
    defer { close(file) }
    var digest = csha256()
    csha256_begin(&digest, 0)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunkBytes, alignment: 64)
    defer { buffer.deallocate() }
    while isWanted() {
      let count = retrying { read(file, buffer.baseAddress, buffer.count) }
      guard count >= 0 else { throw .system("read the file", path: path, code: errno) }
      if count == 0 { break }
      csha256_add(&digest, buffer.baseAddress, count)
    }
    self.init(ending: &digest)
  }

  private init(ending digest: inout csha256) {
    var result = [UInt8](repeating: 0, count: Int(CSHA256_BYTES))
    csha256_end(&digest, &result)
    bytes = result
  }
}
