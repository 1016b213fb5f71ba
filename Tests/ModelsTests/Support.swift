import Diagnostics
import Foundation
import Testing

@testable import Models

/// The folder Tests/Goldens of the package.
let goldens = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().appendingPathComponent("Goldens")

/// A folder that is deleted when the last reference to it goes.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "vitc-models-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  @discardableResult
  func write(_ name: String, _ data: Data) throws -> String {
    let file = url.appendingPathComponent(name)
    try data.write(to: file)
    return file.path
  }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String {
    try write(name, Data(text.utf8))
  }
}

/// The model of a family whose models are Vision Transformers, whose own fields a test looks at.
func transformer(
  _ configuration: any ModelConfiguration, sourceLocation: SourceLocation = #_sourceLocation
) throws -> VisionTransformer {
  let family = try #require(
    configuration as? any TransformerFamily, sourceLocation: sourceLocation)
  return family.model
}

/// Assembles a safetensors file from a header's text and the bytes after it.
func safetensors(header: String, data: [UInt8] = [], claim: UInt64? = nil) -> Data {
  let length = claim ?? UInt64(header.utf8.count)
  var file = Data((0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) })
  file.append(contentsOf: header.utf8)
  file.append(contentsOf: data)
  return file
}

/// The header of a safetensors file and what follows it.
func safetensors(at file: URL) throws -> (header: [String: Any], data: [UInt8]) {
  let bytes = try Data(contentsOf: file)
  let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
  let header = try #require(
    try JSONSerialization.jsonObject(with: bytes[8..<8 + length]) as? [String: Any])
  return (header, [UInt8](bytes[(8 + length)...]))
}

/// A tensor to be written: name, dtype, shape, bytes.
struct RawTensor {
  var name: String
  var dtype: String
  var shape: [Int]
  var bytes: [UInt8]

  init(_ name: String, _ dtype: String, _ shape: [Int], _ bytes: [UInt8]) {
    (self.name, self.dtype, self.shape, self.bytes) = (name, dtype, shape, bytes)
  }

  init(_ name: String, _ shape: [Int], _ values: [Float]) {
    self.init(name, "F32", shape, values.flatMap { littleEndian($0.bitPattern) })
  }
}

/// The bytes of an integer, least significant first.
func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

/// A valid file with these tensors, in this order.
func safetensors(_ tensors: [RawTensor]) -> Data {
  var entries: [String] = [#""__metadata__":{"format":"pt"}"#]
  var data: [UInt8] = []
  for tensor in tensors {
    let end = data.count + tensor.bytes.count
    entries.append(
      #""\#(tensor.name)":{"dtype":"\#(tensor.dtype)","shape":\#(tensor.shape),"#
        + #""data_offsets":[\#(data.count),\#(end)]}"#)
    data += tensor.bytes
  }
  return safetensors(header: "{\(entries.joined(separator: ","))}", data: data)
}

/// The diagnostic that `body` throws.
func diagnostic<R>(
  _ body: () throws -> R, sourceLocation: SourceLocation = #_sourceLocation
) throws -> Diagnostic {
  let error = #expect(throws: Diagnostic.self, sourceLocation: sourceLocation) { _ = try body() }
  return try #require(error, sourceLocation: sourceLocation)
}
