import CVitABI
import Diagnostics
import Files
import Glibc

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
        "is not a shared library that this version of vitc made: it has no record of its weights",
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
      file = weights ?? WeightCheck.path(of: proof.weightsFileName, beside: library)
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

  /// The path of a file beside a library, where links lead to the library, or beside the link; as a
  /// compiled model looks for it.
  private static func path(of name: String, beside library: String) -> String {
    func beside(_ path: String) -> String {
      (path.lastIndex(of: "/").map { String(path[...$0]) } ?? "") + name
    }
    var status = stat()
    let near = beside(library)
    // The link's own folder comes last, but without links it is the path as it was given.
    guard lstat(library, &status) == 0, status.st_mode & S_IFMT == S_IFLNK,
      let resolved = realpath(library, nil)
    else { return near }
    defer { free(resolved) }
    let far = beside(String(cString: resolved))
    return stat(far, &status) != 0 && stat(near, &status) == 0 ? near : far
  }

  /// Hashes the weights in a library.
  ///
  /// They are a section of their own, and without sections (`strip --strip-section-headers`) a
  /// segment of their own, wherever tools have moved them. Several segments may have their size:
  /// the one with the right hash is theirs.
  private static func embedded(
    _ bytes: UnsafeRawBufferPointer, _ proof: Proof, _ path: String
  ) throws(Diagnostic) -> WeightHash {
    guard let image = ELFImage(bytes) else {
      throw Diagnostic("is not a 64-bit library", at: .file(path))
    }
    let load: UInt32 = 1  // PT_LOAD
    let sections = image.sections.filter { $0.name == WeightSegment.sectionName }
    let segments = image.segments.filter {
      $0.type == load && $0.range.count == proof.weightsBytes
    }
    let places = (sections.isEmpty ? segments : sections)
      .filter { $0.range.count == proof.weightsBytes }
    let hashes = places.map { place in
      WeightHash(of: UnsafeRawBufferPointer(rebasing: bytes[place.range]))
    }
    guard let hash = hashes.first(where: { $0 == proof.weightsHash }) ?? hashes.last else {
      throw Diagnostic(
        "no section or segment holds the \(proof.weightsBytes) bytes of weights: it was truncated "
          + "or changed", at: .file(path),
        hint: "copy the file again from where it is whole, or compile again")
    }
    return hash
  }

  /// Hashes the weights in a file of their own.
  private static func separate(
    _ bytes: UnsafeRawBufferPointer, _ proof: Proof, _ path: String
  ) throws(Diagnostic) -> WeightHash {
    let start = Int(VIT_WEIGHTS_OFFSET)
    if bytes.count >= 8, bytes.loadUnaligned(as: UInt64.self) != UInt64(VIT_WEIGHTS_MAGIC) {
      throw Diagnostic("is not a weights file of vitc", at: .file(path))
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
