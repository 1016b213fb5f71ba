import Diagnostics
import Zip

/// The records of a PyTorch file: `NAME/data.pkl`, `NAME/byteorder`, and `NAME/data/KEY` for each
/// storage.
struct TorchArchive: Sendable {
  let path: String
  /// The record of the pickle.
  let pickleName: String
  private let archive: ZipArchive
  private let pickleEntry: ZipEntry
  private let storages: [String: ZipEntry]

  /// Opens an archive by the rules of `ZipArchive`.
  init(path: String) throws(Diagnostic) {
    let archive = try ZipArchive(path: path)
    let pickles = archive.entries.filter { Self.isPickle($0.name) }
    guard let pickle = pickles.first, pickles.count == 1 else {
      throw Diagnostic(
        "the archive has \(pickles.count) records 'NAME/data.pkl', expected one as torch.save "
          + "writes it", at: .file(path))
    }
    let folder = pickle.name.dropLast("data.pkl".count)
    let prefix = folder + "data/"
    var storages: [String: ZipEntry] = [:]
    for entry in archive.entries where entry.name.hasPrefix(prefix) {
      let key = String(entry.name.dropFirst(prefix.count))
      guard storages.updateValue(entry, forKey: key) == nil else {
        throw damagedArchive("it has two entries '\(entry.name)'", path: path)
      }
    }
    if let entry = archive.entries.first(where: { $0.name == folder + "byteorder" }) {
      let order = try Self.contents(of: entry, in: archive, limitBytes: 64)
      guard order == Array("little".utf8) else {
        let found = String(decoding: order, as: UTF8.self)
        throw Diagnostic(
          "the numbers' byte order is '\(found)', expected 'little'",
          at: .file(path), hint: "load and save it with torch on this machine")
      }
    }
    self.path = path
    pickleName = pickle.name
    self.archive = archive
    pickleEntry = pickle
    self.storages = storages
  }

  /// Whether a record is the pickle of the archive: `NAME/data.pkl`.
  static func isPickle(_ name: String) -> Bool {
    name.hasSuffix("/data.pkl") && name.count { $0 == "/" } == 1
  }

  /// The bytes of the pickle.
  func pickle() throws(Diagnostic) -> [UInt8] {
    try Self.contents(
      of: pickleEntry, in: archive, limitBytes: PickleMachine.sizeLimitBytes)
  }

  private static func contents(
    of entry: ZipEntry, in archive: ZipArchive, limitBytes: Int
  ) throws(Diagnostic) -> [UInt8] {
    let location = Diagnostic.Location.file(archive.path)
    let noun = "record '\(entry.name)'"
    guard entry.unpackedBytes <= limitBytes else {
      throw Diagnostic(
        "the \(noun) has \(entry.unpackedBytes) bytes, expected at most \(limitBytes)",
        at: location)
    }
    return try archive.withBytes(
      0..<entry.unpackedBytes, of: entry, noun: noun, at: location
    ) { Array($0) }
  }

  /// The view that a tensor is, of a storage that is there and is as large as the pickle says.
  ///
  /// - Throws: A text of what is wrong.
  func checked(_ tensor: TorchTensor) throws(TorchFault) -> TorchView {
    switch tensor {
    case .fault(let message): throw TorchFault(message)
    case .view(let view):
      guard view.element.stored != nil else {
        throw TorchFault("holds \(view.element.rawValue), expected F32, F16, BF16 or F64")
      }
      guard view.count > 0 else { return view }
      guard let entry = storages[view.key] else {
        throw TorchFault("its storage '\(view.key)' is not in the archive")
      }
      let (needed, overflow) = view.storageCount.multipliedReportingOverflow(
        by: view.element.sizeBytes)
      guard !overflow, needed <= entry.unpackedBytes else {
        throw TorchFault(
          "its storage has \(view.storageCount) elements of \(view.element.rawValue), but the "
            + "record '\(entry.name)' has \(entry.unpackedBytes) bytes")
      }
      return view
    }
  }

  /// Calls `body` with the bytes from the first to the last element that a view shows.
  ///
  /// Errors, at `location`: the record is damaged.
  func withBytes<Result>(
    of view: TorchView, at location: Diagnostic.Location,
    _ body: (UnsafeRawBufferPointer) -> Result
  ) throws(Diagnostic) -> Result {
    guard let entry = storages[view.key] else {
      throw Diagnostic("its storage '\(view.key)' is not in the archive", at: location)
    }
    let noun = "storage '\(view.key)'"
    let (span, width) = (view.span, view.element.sizeBytes)
    return try archive.withBytes(
      span.lowerBound * width..<span.upperBound * width, of: entry, noun: noun, at: location, body)
  }
}
