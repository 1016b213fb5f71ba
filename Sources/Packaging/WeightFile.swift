import Diagnostics
import Files
import Glibc

/// Packed weights on their way to the disk: the later part of a shared library, an ELF object, or a
/// weights file to be beside the library.
///
/// The packer writes each tensor to its place in `region`.
public final class WeightFile {
  /// What the file is.
  public enum Form: Hashable, Sendable {
    /// An ELF object with the weights in a read-only section of 4096-byte alignment, under a
    /// hidden symbol.
    case object(Architecture, symbol: String)
    /// A hole of `WeightSegment.spaceBytes` for the rest of a shared library, then the weights.
    case library
    /// The header of vit_abi.h, then the weights at offset 4096.
    case file
  }

  /// The symbol by which generated code finds embedded weights.
  public static let symbol = "vit_weights_blob"
  /// Embedding stops here: beyond 2 GB the sections of an ELF lie too far apart for code of the
  /// small model, that of any application which links a static model included.
  public static let mostEmbeddedBytes = 2_000_000_000

  /// Where the packed weights go; zero at first.
  public let region: UnsafeMutableRawBufferPointer
  private let output: MappedOutput
  private let start: Int
  private let form: Form

  // VIT_WEIGHTS_MAGIC, VIT_WEIGHTS_OFFSET and VIT_ABI_VERSION of vit_abi.h.
  private static let magic: UInt64 = 0x3154_4857_4354_4956
  private static let offset = 4096
  private static let abiVersion: UInt32 = 2
  /// What is hashed or copied at once: so much of them is in this process's memory.
  private static let pieceBytes = 1 << 24

  /// Creates a file for `bytes` bytes of weights.
  public init(path: String, bytes: Int, form: Form) throws(Diagnostic) {
    self.form = form
    let count: Int
    var hole = 0
    var object: ELFObject?
    switch form {
    case .object(let architecture, let symbol):
      let layout = ELFObject(architecture: architecture, symbol: symbol, bytes: bytes)
      object = layout
      start = ELFObject.dataOffset
      count = layout.fileBytes
    case .library:
      start = WeightSegment.spaceBytes
      count = start + bytes
      hole = start
    case .file:
      start = WeightFile.offset
      count = start + bytes
    }
    output = try MappedOutput(path: path, count: count, hole: hole)
    object?.write(to: output.bytes)
    region = UnsafeMutableRawBufferPointer(rebasing: output.bytes[start..<(start + bytes)])
  }

  /// Writes bytes at a place of the weights, from any thread; they appear in `region`.
  public func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: Int) throws(Diagnostic) {
    precondition(offsetBytes >= 0 && offsetBytes + bytes.count <= region.count)
    try output.write(bytes, at: start + offsetBytes)
  }

  /// Completes the file and returns the hash of the weights; `region` must not be used after it.
  ///
  /// Without it the file is removed when this object is.
  public func finish() -> WeightHash {
    let hash = hashed()
    if form == .file {
      output.bytes.storeBytes(of: WeightFile.magic, toByteOffset: 0, as: UInt64.self)
      output.bytes.storeBytes(of: WeightFile.abiVersion, toByteOffset: 8, as: UInt32.self)
      output.bytes.storeBytes(of: UInt64(region.count), toByteOffset: 16, as: UInt64.self)
      output.bytes.storeBytes(of: hash.low, toByteOffset: 24, as: UInt64.self)
      output.bytes.storeBytes(of: hash.high, toByteOffset: 32, as: UInt64.self)
    }
    output.finish()
    return hash
  }

  /// Copies the finished weights to a weights file of their own and returns their hash.
  func copy(to path: String) throws(Diagnostic) -> WeightHash {
    let source = try MappedFile(output.path)
    let copy = try WeightFile(path: path, bytes: region.count, form: .file)
    try source.withUnsafeBytes { (bytes) throws(Diagnostic) in
      for offset in stride(from: 0, to: region.count, by: WeightFile.pieceBytes) {
        let count = min(WeightFile.pieceBytes, region.count - offset)
        let part = UnsafeRawBufferPointer(
          rebasing: bytes[(start + offset)..<(start + offset + count)])
        try copy.write(part, at: offset)
        source.release(part)
      }
    }
    return copy.finish()
  }

  /// Hashes the weights, piece by piece, and hands each piece's pages back to the file: they count
  /// as this process's memory as long as they are mapped.
  private func hashed() -> WeightHash {
    var stream = WeightHash.Stream()
    for start in stride(from: 0, to: region.count, by: WeightFile.pieceBytes) {
      let end = min(start + WeightFile.pieceBytes, region.count)
      let part = UnsafeMutableRawBufferPointer(rebasing: region[start..<end])
      madvise(part.baseAddress, part.count, MADV_POPULATE_READ)
      stream.update(UnsafeRawBufferPointer(part))
      madvise(part.baseAddress, part.count, MADV_DONTNEED)
    }
    return stream.hash
  }
}
