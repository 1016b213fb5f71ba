import Diagnostics
import Files

/// A zip archive: the file is mapped, and its directory read when it is opened.
public struct ZipArchive: Sendable {
  /// The path, as given.
  public let path: String
  /// The files in it, in the order of its directory.
  public let entries: [ZipEntry]

  private let file: MappedFile

  /// The number of bytes of the archive.
  public var sizeBytes: Int { file.count }

  /// Opens an archive.
  ///
  /// Errors, all at `.file(path)`: what ``MappedFile`` reports; not a zip archive; truncated or
  /// damaged; an entry that is encrypted, or compressed otherwise than by deflate.
  public init(path: String) throws(Diagnostic) {
    let file = try MappedFile(path)
    entries = try file.withUnsafeBytes { (bytes) throws(Diagnostic) in
      guard bytes.starts(with: [0x50, 0x4B]) else {
        throw Diagnostic("expected a zip archive, found something else", at: .file(path))
      }
      return try zipEntries(bytes, path: path)
    }
    self.path = path
    self.file = file
  }

  /// Calls `body` with the bytes of an entry as they are stored, and hands their pages back after.
  ///
  /// Errors, at `location`: the entry is not where the directory says; `noun` is what the message
  /// calls it.
  public func withData<Result>(
    of entry: ZipEntry, noun: String, at location: Diagnostic.Location,
    _ body: (UnsafeRawBufferPointer) throws(Diagnostic) -> Result
  ) throws(Diagnostic) -> Result {
    try file.withUnsafeBytes { (bytes) throws(Diagnostic) in
      var reader = ByteReader(bytes, at: entry.offset)
      // The names and extra fields of the local header have lengths of their own.
      guard reader.next(UInt32.self) == ZipSignature.local, reader.take(22) != nil,
        let nameBytes = reader.next(UInt16.self), let extraBytes = reader.next(UInt16.self),
        reader.take(Int(nameBytes) + Int(extraBytes)) != nil,
        let data = reader.take(entry.storedBytes)
      else {
        throw Diagnostic(
          "the archive is damaged: the \(noun) is not where it should be", at: location)
      }
      defer { file.release(data) }
      return try body(data)
    }
  }
}
