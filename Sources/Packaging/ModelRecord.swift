import CVitABI
import Diagnostics
import Files

/// What a compiled model says of itself, read from the bytes of its file: `vit_record` of
/// vit_abi.h.
///
/// A library of any architecture, an archive or an object; nothing is loaded or run.
public struct ModelRecord {
  /// `true` iff the file is a shared library, `false` for an archive or an object.
  public let isInLibrary: Bool
  /// The fields of `vit_description`, as a JSON text.
  public let facts: String
  /// `vit_description.json`.
  public let details: String

  /// What ELF files and archives begin with.
  private static let beginnings = [Array("\u{7F}ELF".utf8), Array("!<arch>\n".utf8)]
  /// Code and constants are smaller; what is beyond is weights.
  private static let mostBytes = 1 << 28

  /// Reads the record.
  ///
  /// Errors, all at `.file(path)`: it cannot be read, or holds no whole record.
  public init(_ path: String) throws(Diagnostic) {
    let file = try MappedFile(path)
    let texts = file.withUnsafeBytes { bytes -> (String, String)? in
      guard Self.beginnings.contains(where: { bytes.starts(with: $0) }) else { return nil }
      return Self.texts(in: UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.mostBytes)))
    }
    let shared: UInt16 = 3  // ET_DYN
    isInLibrary = file.withUnsafeBytes { ELFImage($0)?.kind == shared }
    guard let texts else {
      throw Diagnostic(
        "is not a model that this version of vitc compiled: it has no record of itself",
        at: .file(path), hint: "give the library, archive or object that 'vitc compile' wrote")
    }
    (facts, details) = texts
  }

  /// The texts of the first whole record: weights, which may hold any bytes, come last in a file.
  private static func texts(in bytes: UnsafeRawBufferPointer) -> (String, String)? {
    let head = MemoryLayout<vit_record>.size
    // Members of an archive begin at even places.
    for place in stride(from: 0, through: bytes.count - head, by: 2)
    where bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self) == VIT_RECORD_MARK_LOW {
      let record = bytes.loadUnaligned(fromByteOffset: place, as: vit_record.self)
      let rest = UInt64(bytes.count - place - head)
      guard record.mark.1 == VIT_RECORD_MARK_HIGH, record.facts_bytes < rest,
        record.details_bytes < rest - record.facts_bytes - 1
      else { continue }
      let facts = place + head
      let details = facts + Int(record.facts_bytes) + 1
      return (
        String(decoding: bytes[facts..<details - 1], as: UTF8.self),
        String(decoding: bytes[details..<details + Int(record.details_bytes)], as: UTF8.self)
      )
    }
    return nil
  }
}
