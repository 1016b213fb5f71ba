import CVitABI
import Diagnostics
import Files

/// The comparison of a library's weights, embedded or in their file, with the hash in the library.
///
/// It is what `vitc verify` does. Nothing is loaded or run.
public struct WeightCheck {
  /// The file that holds the weights.
  public let file: String
  /// Their size.
  public let bytes: Int
  /// Their hash, found and expected.
  public let hash: WeightHash

  /// Checks.
  ///
  /// - Parameters:
  ///   - library: a shared library that vitc made.
  ///   - weights: its weights file; `nil`: the one beside it, or the embedded weights.
  /// - Throws: at the file that holds the weights: they are cut off or have another hash.
  public init(library: String, weights: String? = nil) throws(Diagnostic) {
    let image = try MappedFile(library)
    let proof = image.withUnsafeBytes { Proof(in: $0) }
    guard let proof else {
      throw Diagnostic(
        "is no shared library that this version of vitc made: it has no record of its weights",
        at: .file(library))
    }
    // The record may be damaged, and a file elsewhere is none of the library's.
    guard !proof.weightsFileName.contains("/") else {
      throw Diagnostic(
        "names its weights file '\(proof.weightsFileName)', expected a file beside it",
        at: .file(library))
    }
    if weights == nil, proof.weightsFileName.isEmpty {
      file = library
      hash = try image.withUnsafeBytes { (bytes) throws(Diagnostic) in
        try WeightCheck.embedded(bytes, proof, library)
      }
    } else {
      let folder = library.lastIndex(of: "/").map { String(library[...$0]) } ?? ""
      file = weights ?? folder + proof.weightsFileName
      let mapped = try MappedFile(file)
      let path = file
      hash = try mapped.withUnsafeBytes { (bytes) throws(Diagnostic) in
        try WeightCheck.separate(bytes, proof, path)
      }
    }
    bytes = proof.weightsBytes
    guard hash == proof.weightsHash else {
      throw Diagnostic(
        "the weights are damaged: their hash is \(hash), expected \(proof.weightsHash)",
        at: .file(file), hint: "copy the file again from where it is whole, or compile again")
    }
  }

  /// Hashes the weights in a library: its last segment, which they have for themselves.
  private static func embedded(
    _ bytes: UnsafeRawBufferPointer, _ proof: Proof, _ path: String
  ) throws(Diagnostic) -> WeightHash {
    // The program headers follow the ELF header.
    let reader = ELFReader(bytes: Array(bytes.prefix(1 << 16)))
    let load: UInt32 = 1  // PT_LOAD
    var last: (offset: UInt64, size: UInt64) = (0, 0)
    if let start = reader.integer(UInt64.self, at: 0x20), start < 1 << 16,
      let count = reader.integer(UInt16.self, at: 0x38)
    {
      for index in 0..<Int(count) {
        let at = Int(start) + 56 * index
        guard reader.integer(UInt32.self, at: at) == load,
          let offset = reader.integer(UInt64.self, at: at + 8),
          let size = reader.integer(UInt64.self, at: at + 32), offset >= last.offset
        else { continue }
        last = (offset, size)
      }
    }
    guard last.size == UInt64(proof.weightsBytes), let offset = Int(exactly: last.offset) else {
      throw Diagnostic(
        "the last segment has \(last.size) bytes, expected \(proof.weightsBytes) of weights",
        at: .file(path))
    }
    guard offset <= bytes.count, proof.weightsBytes <= bytes.count - offset else {
      throw Diagnostic(
        "is \(bytes.count) bytes, expected \(last.offset &+ last.size): it was truncated",
        at: .file(path))
    }
    return WeightHash(
      of: UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + proof.weightsBytes)]))
  }

  /// Hashes the weights in a file of their own.
  private static func separate(
    _ bytes: UnsafeRawBufferPointer, _ proof: Proof, _ path: String
  ) throws(Diagnostic) -> WeightHash {
    let start = Int(VIT_WEIGHTS_OFFSET)
    if bytes.count >= 8, bytes.loadUnaligned(as: UInt64.self) != UInt64(VIT_WEIGHTS_MAGIC) {
      throw Diagnostic("is no weights file of vitc", at: .file(path))
    }
    guard bytes.count - start == proof.weightsBytes else {
      let isShort = bytes.count - start < proof.weightsBytes
      throw Diagnostic(
        "is \(bytes.count) bytes, expected \(proof.weightsBytes) after the first \(start): "
          + (isShort ? "it was truncated" : "it is another model's or was damaged"),
        at: .file(path))
    }
    return WeightHash(of: UnsafeRawBufferPointer(rebasing: bytes[start...]))
  }
}
