import Foundation
import Zip

@testable import Models

/// Spells pickles, an operation at a time.
struct PickleWriter {
  private(set) var bytes: [UInt8] = [0x80, 2]

  /// The finished pickle.
  var finished: [UInt8] { bytes + op(".") }

  private func op(_ code: Unicode.Scalar) -> [UInt8] { [UInt8(truncatingIfNeeded: code.value)] }

  mutating func raw(_ more: [UInt8]) { bytes += more }

  mutating func op(_ text: String) { bytes += text.utf8 }

  mutating func text(_ value: String) {
    bytes += op("X") + littleEndian(UInt32(value.utf8.count)) + value.utf8
  }

  /// Any integer, as eight bytes in two's complement.
  mutating func integer(_ value: Int) { bytes += [0x8A, 8] + littleEndian(value) }

  mutating func integers(_ values: [Int]) {
    op("(")
    for value in values { integer(value) }
    op("t")
  }

  mutating func global(_ module: String, _ name: String) { op("c\(module)\n\(name)\n") }

  mutating func storage(_ key: String, type: String, count: Int) {
    op("(")
    text("storage")
    let parts = type.split(separator: ".")
    global(parts.dropLast().joined(separator: "."), String(parts.last ?? ""))
    text(key)
    text("cpu")
    integer(count)
    op("tQ")
  }

  /// A call of `_rebuild_tensor_v2`.
  mutating func tensor(
    _ key: String = "0", type: String = "torch.FloatStorage", count: Int = 4, offset: Int = 0,
    shape: [Int], strides: [Int]
  ) {
    global("torch._utils", "_rebuild_tensor_v2")
    op("(")
    storage(key, type: type, count: count)
    integer(offset)
    integers(shape)
    integers(strides)
    raw([0x89])
    op("}tR")
  }

  /// A dictionary with one tensor, `w`.
  static func file(_ tensor: (inout PickleWriter) -> Void) -> [UInt8] {
    var writer = PickleWriter()
    writer.op("}")
    writer.text("w")
    tensor(&writer)
    writer.op("s")
    return writer.finished
  }
}

/// A zip archive of these stored records.
func zipArchive(_ records: [(name: String, bytes: [UInt8])]) -> Data {
  var (data, directory) = (Data(), Data())
  for (name, bytes) in records {
    let record = ZipRecord(
      name: Array(name.utf8), checksum: UInt32(bytes.withUnsafeBytes { checksum($0) }),
      sizeBytes: bytes.count, offset: data.count)
    data += record.local + bytes
    directory += record.central
  }
  let end = ZipRecord.end(count: records.count, start: data.count, sizeBytes: directory.count)
  return data + directory + end
}

/// A PyTorch file with this pickle and a storage of the four floats 1, 2, 3, 4.
func torchFile(_ pickle: [UInt8], _ others: [(name: String, bytes: [UInt8])] = []) -> Data {
  let numbers = [Float(1), 2, 3, 4].flatMap { littleEndian($0.bitPattern) }
  return zipArchive([("a/data.pkl", pickle), ("a/data/0", numbers)] + others)
}
