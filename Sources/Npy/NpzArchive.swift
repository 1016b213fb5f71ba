import Files
import IR

/// A `.npz` archive: named arrays in a zip file, as `numpy.savez` and `numpy.savez_compressed`
/// write them.
///
/// The file is mapped; an array is unpacked when it is read.
public struct NpzArchive: Sendable {
  /// The path, as given.
  public let path: String
  /// The names of the arrays, in the order of the archive, without ".npy".
  public let names: [String]

  private let file: MappedFile
  private let entries: [String: ZipEntry]

  /// The most bytes that one array may unpack to: 2^33, 8 GiB.
  public static let maximumBytes = 1 << 33

  /// Opens an archive and reads its directory.
  ///
  /// Errors, all at `.file(path)`: what ``MappedFile`` reports; not a zip file; truncated or
  /// damaged; encrypted or compressed otherwise than by deflate; two entries of one name; sizes
  /// that the file cannot hold (deflate packs at most 1032 to 1) or beyond ``maximumBytes``.
  public init(path: String) throws(Diagnostic) {
    let file = try MappedFile(path)
    let all = try file.withUnsafeBytes { (bytes) throws(Diagnostic) in
      try zipEntries(bytes, path: path)
    }
    var names: [String] = []
    var entries: [String: ZipEntry] = [:]
    for entry in all where entry.name.hasSuffix(".npy") {
      let name = String(entry.name.dropLast(4))
      guard entries.updateValue(entry, forKey: name) == nil else {
        throw damagedArchive("it has two entries '\(name)'", path: path)
      }
      try Self.check(entry, archiveBytes: file.count, path: path)
      names.append(name)
    }
    self.path = path
    self.file = file
    self.names = names
    self.entries = entries
  }

  /// Reads an array.
  ///
  /// Errors, at `.tensor(name, file: path)`: no such array (with near names as a hint); damaged
  /// data or a wrong checksum; and all that ``NpyArray/init(path:)`` reports.
  public func read(_ name: String) throws(Diagnostic) -> NpyArray {
    let location = Diagnostic.Location.tensor(name, file: path)
    guard let entry = entries[name] else {
      throw Diagnostic(
        "the archive has no such array", at: location,
        notes: names.isEmpty ? ["it has no arrays at all"] : [],
        hint: Suggestion.hint(for: name, in: names) ?? names.first.map { "it has '\($0)', …" })
    }
    return try file.withUnsafeBytes { (bytes) throws(Diagnostic) in
      let data = try contents(entry, bytes, location)
      switch entry.method {
      case .stored:
        return try Self.parse(data, entry, location)
      case .deflated:
        guard let unpacked = inflated(data, count: entry.unpackedBytes) else {
          throw Diagnostic(
            "the compressed data is damaged, or has not the \(entry.unpackedBytes) bytes that it "
              + "should", at: location)
        }
        return try unpacked.withUnsafeBytes { unpacked in
          Result { () throws(Diagnostic) in try Self.parse(unpacked, entry, location) }
        }.get()
      }
    }
  }

  /// Whether the archive has an array of this name.
  public func contains(_ name: String) -> Bool { entries[name] != nil }

  /// Refuses sizes that cannot be true before memory is taken for them.
  private static func check(
    _ entry: ZipEntry, archiveBytes: Int, path: String
  ) throws(Diagnostic) {
    let location = Diagnostic.Location.tensor(String(entry.name.dropLast(4)), file: path)
    guard entry.storedBytes <= archiveBytes else {
      throw Diagnostic(
        "the archive is truncated or damaged: the array takes \(entry.storedBytes) bytes of it, "
          + "but it has \(archiveBytes)", at: location)
    }
    guard entry.unpackedBytes <= maximumBytes else {
      throw Diagnostic(
        "the array is too large: \(entry.unpackedBytes) bytes, expected at most \(maximumBytes)",
        at: location)
    }
    let isPossible =
      switch entry.method {
      case .stored: entry.unpackedBytes == entry.storedBytes
      // No overflow: storedBytes is at most the size of a file.
      case .deflated: entry.unpackedBytes / 1032 <= entry.storedBytes
      }
    guard isPossible else {
      throw Diagnostic(
        "the archive is damaged: \(entry.storedBytes) bytes cannot unpack to "
          + "\(entry.unpackedBytes)", at: location)
    }
  }

  /// The bytes of an entry as stored: behind its local header.
  private func contents(
    _ entry: ZipEntry, _ bytes: UnsafeRawBufferPointer, _ location: Diagnostic.Location
  ) throws(Diagnostic) -> UnsafeRawBufferPointer {
    var reader = ByteReader(bytes, at: entry.offset)
    // The names and extra fields of the local header have lengths of their own.
    guard reader.next(UInt32.self) == ZipSignature.local, reader.take(22) != nil,
      let nameBytes = reader.next(UInt16.self), let extraBytes = reader.next(UInt16.self),
      reader.take(Int(nameBytes) + Int(extraBytes)) != nil,
      let data = reader.take(entry.storedBytes)
    else {
      throw Diagnostic("the archive is damaged: the array is not where it should be", at: location)
    }
    return data
  }

  private static func parse(
    _ bytes: UnsafeRawBufferPointer, _ entry: ZipEntry, _ location: Diagnostic.Location
  ) throws(Diagnostic) -> NpyArray {
    guard checksum(bytes) == UInt(entry.checksum) else {
      throw Diagnostic("the archive is damaged: the checksum of the array is wrong", at: location)
    }
    return try NpyArray(parsing: bytes, at: location)
  }
}
