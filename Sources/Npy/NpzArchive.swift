import Diagnostics
import Files
import Zip

/// A `.npz` archive: named arrays in a zip file, as `numpy.savez` and `numpy.savez_compressed`
/// write them.
///
/// The file is mapped; an array is unpacked when it is read, and nothing is allocated before the
/// array's own header and the directory agree on its size. Then its pages are handed back, so that
/// an archive of many gigabytes takes no more memory than an array of it.
public struct NpzArchive: Sendable {
  /// The path, as given.
  public let path: String
  /// The names of the arrays, in the order of the archive, without ".npy".
  public let names: [String]
  /// The names of the members that are not arrays.
  public let otherMembers: [String]

  private let archive: ZipArchive
  private let entries: [String: ZipEntry]

  /// The most bytes that one array may unpack to.
  public static let maximumBytes = ZipEntry.maximumBytes

  /// Opens an archive and reads its directory.
  ///
  /// Errors, all at `.file(path)`: what ``MappedFile`` reports; not a zip file; truncated or
  /// damaged; encrypted or compressed otherwise than by deflate; two entries of one name; sizes
  /// that the file cannot hold (deflate packs at most 1032 to 1) or beyond ``maximumBytes``.
  public init(path: String) throws(Diagnostic) {
    try Self.checkKind(path)
    let archive = try ZipArchive(path: path)
    let all = archive.entries
    var names: [String] = []
    var entries: [String: ZipEntry] = [:]
    for entry in all where entry.name.hasSuffix(".npy") {
      let name = String(entry.name.dropLast(4))
      guard entries.updateValue(entry, forKey: name) == nil else {
        throw damagedArchive("it has two entries '\(name)'", path: path)
      }
      try entry.check(
        archiveBytes: archive.sizeBytes, noun: "array", at: .tensor(name, file: path))
      names.append(name)
    }
    otherMembers = all.map(\.name).filter { !$0.hasSuffix(".npy") }
    self.path = path
    self.archive = archive
    self.names = names
    self.entries = entries
  }

  /// Reads an array.
  ///
  /// Errors, at `.tensor(name, file: path)`: no such array (with near names as a hint); damaged
  /// data or a wrong checksum; and all that ``NpyArray/init(path:)`` reports.
  public func read(_ name: String) throws(Diagnostic) -> NpyArray {
    try withMember(name) { (member) throws(Diagnostic) in
      NpyArray(
        shape: member.header.shape, values: try member.floats(0..<member.count))
    }
  }

  /// Reads some elements of an array, counted row-major; where they are not all, the checksum is
  /// not verified.
  ///
  /// Errors: as ``read(_:)``.
  ///
  /// - Precondition: The array has them.
  public func read(_ name: String, elements: Range<Int>) throws(Diagnostic) -> [Float] {
    try withMember(name) { (member) throws(Diagnostic) in
      precondition(
        elements.lowerBound >= 0 && elements.upperBound <= member.count,
        "elements \(elements) of \(member.count)")
      return try member.floats(elements)
    }
  }

  /// The type of an array's elements and its shape, read from its header alone.
  ///
  /// Errors: as ``read(_:)``, but for damage after the header.
  public func type(
    of name: String
  ) throws(Diagnostic) -> (element: NpyElement, shape: [Int]) {
    try withMember(name) { (member) in (member.header.element, member.header.shape) }
  }

  private func withMember<Result>(
    _ name: String, _ body: (NpzMember) throws(Diagnostic) -> Result
  ) throws(Diagnostic) -> Result {
    let location = Diagnostic.Location.tensor(name, file: path)
    guard let entry = entries[name] else {
      throw Diagnostic(
        "the archive has no such array", at: location,
        notes: names.isEmpty ? ["it has no arrays at all"] : [],
        hint: Suggestion.hint(for: name, in: names) ?? names.first.map { "it has '\($0)', …" })
    }
    return try archive.withData(of: entry, noun: "array", at: location) {
      (data) throws(Diagnostic) in
      try body(NpzMember(entry, data, at: location))
    }
  }

  /// Whether the archive has an array of this name.
  public func contains(_ name: String) -> Bool { entries[name] != nil }

  /// Refuses what is not a zip archive.
  private static func checkKind(_ path: String) throws(Diagnostic) {
    let (isZip, isNpy) = try MappedFile(path).withUnsafeBytes {
      ($0.starts(with: [0x50, 0x4B]), $0.starts(with: NpyHeader.magic))
    }
    guard isZip else {
      throw Diagnostic(
        "expected an .npz archive, found \(isNpy ? "an .npy file" : "something else")",
        at: .file(path), hint: "write it with numpy.savez(path, name=array, ...)")
    }
  }
}
