import JSON
import Testing

@testable import Serving

/// Tensors that become images.
@Suite struct ImageReaderTests {
  private let reader = ImageReader(model: smallModel(), pixelLimit: 12, imageLimit: 4)

  private func read(
    _ datatype: Datatype, _ shape: [Int], json: [JSONValue]
  ) throws -> PreparedImages {
    let tensor = InputTensor(
      name: "images", datatype: datatype, shape: shape, content: .json(json))
    return try [UInt8]().withUnsafeBytes {
      try reader.images(InferRequest(inputs: [tensor]), body: $0)
    }
  }

  private func read(
    _ datatype: Datatype, _ shape: [Int], binary: [UInt8]
  ) throws -> PreparedImages {
    // Not at the body's start, and not aligned.
    let body: [UInt8] = [0xEE, 0xEE, 0xEE] + binary
    let tensor = InputTensor(
      name: "images", datatype: datatype, shape: shape, content: .binary(3..<body.count))
    return try body.withUnsafeBytes {
      try reader.images(InferRequest(inputs: [tensor]), body: $0)
    }
  }

  private func bytes(_ values: Float...) -> [UInt8] {
    values.flatMap { withUnsafeBytes(of: $0) { Array($0) } }
  }

  @Test func floats() throws {
    let two = try read(.float32, [2, 2], binary: bytes(1.5, -2, .infinity, 4))
    #expect(two.values == [1.5, -2, .infinity, 4])
    #expect(two.count == 2)
    // One image may lack the batch's extent.
    #expect(try read(.float32, [2], binary: bytes(1, 2)).count == 1)
    let nested = try read(
      .float32, [2, 2],
      json: [.array([.integer(1), .number(0.1)]), .array([.integer(-3), .number(1e-3)])])
    #expect(nested.values == [1, 0.1, -3, 1e-3])
    let flat = try read(.float32, [1, 2], json: [.integer(5), .integer(6)])
    #expect(flat.values == [5, 6])
  }

  @Test func pixels() throws {
    // Two pictures of 3 x 4 pixels, of one colour each.
    let pictures = [UInt8](repeating: 9, count: 36) + [UInt8](repeating: 8, count: 36)
    let images = try read(.uint8, [2, 3, 4, 3], binary: pictures)
    #expect(images.values == [9, 12, 8, 12])
    #expect(images.count == 2)
    let one = try read(.uint8, [1, 1, 3], json: [.integer(7), .integer(0), .integer(255)])
    #expect(one.values == [7, 1])
  }

  @Test(
    arguments: [
      (Datatype.float32, [1, 3], 12, "found FP32 of shape [1, 3], expected [n, 2]"),
      (.float32, [1, 2], 7, "7 bytes of data, expected 2 elements of 4"),
      (.float32, [5, 2], 40, "the request has 5 images, expected at most 4"),
      (.uint8, [1, 2, 2, 4], 16, "expected [n, height, width, 3]"),
      (.uint8, [1, 4, 4, 3], 48, "pictures of 4x4 pixels, expected at most 12 in all"),
      (.bytes, [1, 2], 8, "expected [n]"),
      (.bytes, [1], 3, "the last string has no whole length"),
      (.bytes, [2], 4, "the shape has 2 strings, found 1"),
      (.bytes, [1], 8, "the shape has 1 strings, found more"),
      (.int64, [1, 2], 16, "found INT64, expected FP32 (images), BYTES"),
      (.float16, [1, 2], 4, "found FP16"),
    ])
  func refuses(datatype: Datatype, shape: [Int], size: Int, message: String) {
    let error = #expect(throws: ServeError.self) {
      try read(datatype, shape, binary: [UInt8](repeating: 0, count: size))
    }
    #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
  }

  @Test func stringsHaveTheirLengths() throws {
    // Empty files are no pictures; the error says which one.
    let error = #expect(throws: ServeError.self) {
      try read(.bytes, [1], binary: [2, 0, 0, 0, 0x47, 0x49])
    }
    #expect(
      error?.message.hasPrefix("picture 0: expected a PNG, JPEG or WebP image, found") == true)
    let long = #expect(throws: ServeError.self) {
      try read(.bytes, [1], binary: [255, 255, 255, 255, 1])
    }
    #expect(
      long?.message
        == "input 'images': a string of 4294967295 bytes, but 1 are left")
  }

  @Test func inputsAreTheModels() {
    let tensor = InputTensor(
      name: "pixels", datatype: .float32, shape: [1, 2], content: .json([]))
    for (inputs, message) in [
      ([tensor], "the model has no input 'pixels', but 'images'"),
      ([tensor, tensor], "found 2 inputs, expected one, 'images'"),
    ] {
      let error = #expect(throws: ServeError.self) {
        try [UInt8]().withUnsafeBytes {
          try reader.images(InferRequest(inputs: inputs), body: $0)
        }
      }
      #expect(error?.message == message)
    }
  }
}
