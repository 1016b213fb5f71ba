import JSON
import Synchronization
import Testing

@testable import Serving

/// Models for images of several sizes: what they say of themselves, which one a request means, and
/// batches of all of them.
@Suite(.timeLimit(.minutes(2))) struct SizeTests {
  private let model = sizedModel()
  private var reader: ImageReader {
    ImageReader(model: model, pixelLimit: 100, imageLimit: 9)
  }

  /// What the runner was asked for, the sizes of each batch.
  private final class Calls: Sendable {
    let all = Mutex<[[Int]]>([])
  }

  /// Logits and tokens that tell the image's first element and its size.
  private struct Runner: BatchRunner {
    let calls: Calls

    func run(
      _ images: [Float], sizes: [Int], outputs: [String]
    ) throws -> [String: [Float]] {
      calls.all.withLock { $0.append(sizes) }
      var start = 0
      var all: [String: [Float]] = [:]
      for size in sizes {
        let first = images[start]
        start += 2 * (size + 1)
        let found = [
          "logits": [first, Float(size), -first],
          "tokens": [Float](repeating: first + Float(size) / 2, count: 4 * (size + 1)),
        ]
        for name in outputs { all[name, default: []] += found[name] ?? [] }
      }
      precondition(start == images.count)
      return all
    }
  }

  private func tensor(_ shape: [Int]) -> InputTensor {
    InputTensor(
      name: "images", datatype: .float32, shape: shape,
      content: .json((1...shape.reduce(1, *)).map { .integer($0) }))
  }

  private func read(_ tensor: InputTensor) throws -> PreparedImages {
    try [UInt8]().withUnsafeBytes {
      try reader.images(InferRequest(inputs: [tensor]), body: $0)
    }
  }

  @Test func metadataHasVariableExtents() {
    let metadata = model.metadata
    #expect(
      metadata["inputs"]?.array?.first?["shape"]
        == .array([.integer(-1), .integer(1), .integer(-1), .integer(2)]))
    let outputs = metadata["outputs"]?.array ?? []
    #expect(outputs.compactMap { $0["name"]?.string } == ["logits", "tokens", "scores"])
    #expect(outputs[0]["shape"] == .array([.integer(-1), .integer(3)]))
    #expect(outputs[1]["shape"] == .array([.integer(-1), .integer(-1), .integer(2)]))
    #expect(metadata["parameters"]?["sizes"] == .string("1x2,2x2"))
    #expect(smallModel().metadata["parameters"]?["sizes"] == nil)
  }

  @Test func shapesAndPicturesPickTheSize() throws {
    #expect(try read(tensor([2, 1, 1, 2])).sizes == [0, 0])
    #expect(try read(tensor([3, 1, 2, 2])).sizes == [1, 1, 1])
    #expect(try read(tensor([1, 2, 2])).sizes == [1])
    let error = #expect(throws: ServeError.self) { try read(tensor([1, 1, 3, 2])) }
    #expect(
      error?.message
        == "input 'images': found FP32 of shape [1, 1, 3, 2], expected [n, 1, 1, 2] or "
        + "[n, 1, 2, 2]")
    for (height, width, size) in [(1, 3, 0), (3, 1, 1)] {
      let pixels = InputTensor(
        name: "images", datatype: .uint8, shape: [2, height, width, 3],
        content: .json((0..<18).map { .integer($0) }))
      let images = try read(pixels)
      #expect(images.sizes == [size, size])
      #expect(images.values.count == 4 * (size + 1))
    }
  }

  @Test func batchesHoldAllSizes() async throws {
    let calls = Calls()
    let engine = try await Engine.start(
      [Engine.Entry(model: model) { Runner(calls: calls) }],
      policy: BatchPolicy(batch: 4, delay: 3_600_000_000_000, capacity: 100), report: { _ in })
    var mixed = PreparedImages(values: [], count: 0)
    mixed.append((image: [10, 0], size: 0))
    mixed.append((image: [20, 0, 0, 0], size: 1))
    mixed.append((image: [30, 0], size: 0))
    let both = mixed
    let first = Task { try await engine.infer(both, model: 0, outputs: ["logits"]) }
    while engine.waiting[0] != 3 { try await Task.sleep(for: .milliseconds(1)) }
    let large = PreparedImages(values: [1, 0, 0, 0, 2, 0, 0, 0], count: 2, size: 1)
    let second = Task { try await engine.infer(large, model: 0, outputs: ["logits", "tokens"]) }
    #expect(
      try await first.value.outputs == ["logits": [10, 0, -10, 20, 1, -20, 30, 0, -30]])
    let found = try await second.value.outputs
    #expect(found["logits"] == [1, 1, -1, 2, 1, -2])
    #expect(
      found["tokens"]
        == [Float](repeating: 1.5, count: 8) + [Float](repeating: 2.5, count: 8))
    #expect(calls.all.withLock { $0 } == [[0, 1, 0, 1], [1]])
    await engine.stop()
    let response = try InferResponse(
      to: InferRequest(inputs: []), of: model, outputs: found, sizes: large.sizes)
    let json = try JSONValue(parsing: String(decoding: response.body, as: UTF8.self))
    #expect(
      json["outputs"]?.array?[1]["shape"] == .array([.integer(2), .integer(4), .integer(2)]))
  }

  @Test func shapesThatDifferAreRefused() throws {
    let all = InferRequest(inputs: [])
    try model.check(all, sizes: [1, 1, 1])
    let error = #expect(throws: ServeError.self) { try model.check(all, sizes: [0, 0, 1]) }
    #expect(
      error?.message
        == "the images become several sizes, for which 'tokens' has the shapes [2, 2] and [4, 2]: "
        + "send them one by one, or ask for other outputs")
    try model.check(
      InferRequest(inputs: [], outputs: [RequestedOutput("scores")]), sizes: [0, 1])
  }

  /// As many tokens for two sizes, and more for the third.
  @Test func everySizeIsCompared() throws {
    func size(_ height: Int, _ width: Int) -> ServedModel.Size {
      .init(
        input: .init("images", [1, height, width]),
        outputs: [.init("tokens", [height * width, 2])])
    }
    let model = ServedModel(
      name: "sized", first: size(1, 4), further: [size(2, 2), size(2, 4)], scores: .softmax
    ) { _, _, _ in ([], 0) }
    let all = InferRequest(inputs: [])
    try model.check(all, sizes: [0, 1, 0])
    let error = #expect(throws: ServeError.self) { try model.check(all, sizes: [0, 1, 2]) }
    #expect(error?.message.contains("has the shapes [4, 2] and [8, 2]") == true)
  }
}
