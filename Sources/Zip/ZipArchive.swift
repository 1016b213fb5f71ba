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

  /// Calls `body` with some of an entry's unpacked bytes: in place where they are stored.
  ///
  /// With all of them the checksum is verified, where there is one: torch.save can leave it 0.
  ///
  /// Errors, at `location`: what ``ZipEntry/check(archiveBytes:noun:at:)`` and
  /// ``withData(of:noun:at:_:)`` report; fewer bytes than `range` wants; damaged compression; a
  /// wrong checksum.
  public func withBytes<Result>(
    _ range: Range<Int>, of entry: ZipEntry, noun: String, at location: Diagnostic.Location,
    _ body: (UnsafeRawBufferPointer) throws(Diagnostic) -> Result
  ) throws(Diagnostic) -> Result {
    try entry.check(archiveBytes: sizeBytes, noun: noun, at: location)
    guard range.lowerBound >= 0, range.upperBound <= entry.unpackedBytes else {
      throw Diagnostic(
        "the archive is damaged: the \(noun) has \(entry.unpackedBytes) bytes, expected "
          + "\(range.upperBound)", at: location)
    }
    func verified(_ bytes: UnsafeRawBufferPointer) throws(Diagnostic) {
      guard range == 0..<entry.unpackedBytes, entry.checksum != 0 else { return }
      guard checksum(bytes) == UInt(entry.checksum) else {
        throw Diagnostic(
          "the archive is damaged: the checksum of the \(noun) is wrong", at: location)
      }
    }
    return try withData(of: entry, noun: noun, at: location) { (data) throws(Diagnostic) in
      switch entry.method {
      case .stored:
        let part = UnsafeRawBufferPointer(rebasing: data[range])
        try verified(part)
        return try body(part)
      case .deflated:
        let memory = UnsafeMutableRawBufferPointer.allocate(
          byteCount: max(1, range.count), alignment: 16)
        defer { memory.deallocate() }
        let part = UnsafeMutableRawBufferPointer(rebasing: memory[..<range.count])
        guard let stream = InflateStream(data), stream.skip(range.lowerBound), stream.fill(part)
        else {
          throw Diagnostic(
            "the compressed data of the \(noun) is damaged, or has not the "
              + "\(entry.unpackedBytes) bytes that it should", at: location)
        }
        try verified(UnsafeRawBufferPointer(part))
        return try body(UnsafeRawBufferPointer(part))
      }
    }
  }
}
