import Diagnostics
import Models
import Zip

/// A zip archive of PyTorch's.
func fuzzTorch(_ bytes: UnsafeRawBufferPointer) {
  let file = MemoryFile(bytes)
  expectDiagnostics { () throws(Diagnostic) in
    try readAll(try TorchCheckpoint(path: file.path))
  }
}

/// The pickle of an archive with 16 storages of 256 bytes: random changes of an archive would not
/// get past its checksums.
func fuzzPickle(_ bytes: UnsafeRawBufferPointer) {
  let storage = [UInt8](repeating: 0x3F, count: 256)
  let records =
    [("a/data.pkl", Array(bytes))] + (0..<16).map { ("a/data/\($0)", storage) }
  var (archive, directory): ([UInt8], [UInt8]) = ([], [])
  for (name, contents) in records {
    let record = ZipRecord(
      name: Array(name.utf8),
      checksum: UInt32(truncatingIfNeeded: contents.withUnsafeBytes { checksum($0) }),
      sizeBytes: contents.count, offset: archive.count)
    archive += record.local + contents
    directory += record.central
  }
  archive +=
    directory
    + ZipRecord.end(count: records.count, start: archive.count, sizeBytes: directory.count)
  archive.withUnsafeBytes { fuzzTorch($0) }
}

/// Reads every tensor; what is neither a fault nor unreadable has the values that its shape says.
private func readAll(_ checkpoint: TorchCheckpoint) throws(Diagnostic) {
  promise(!checkpoint.names.isEmpty, "a checkpoint without tensors")
  // A pickle can name one large view of one storage very often.
  var budget = 1 << 26
  for name in checkpoint.names {
    guard let type = checkpoint.type(of: name) else {
      promise(checkpoint.fault(of: name) != nil, "neither type nor fault")
      continue
    }
    promise(checkpoint.fault(of: name) == nil, "type and fault")
    let count = type.shape.contains(0) ? 0 : type.shape.reduce(1, *)
    budget -= count
    guard budget >= 0 else { return }
    expectDiagnostics { () throws(Diagnostic) in
      let tensor = try checkpoint.read(name)
      promise(tensor.shape == type.shape, "another shape than promised")
      promise(tensor.values.count == count, "\(type) with \(tensor.values.count) values")
    }
  }
}
