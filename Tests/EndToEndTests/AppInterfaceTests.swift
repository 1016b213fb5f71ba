import Foundation
import SeededRandom
import Testing
import VitRuntime

@testable import Packaging

/// What Swift apps are told of a compiled model, and how they hand over memory.
@Suite struct AppInterfaceTests {
  private static let digits = Repository.path("examples/digits/model")

  private func model(_ bench: Workbench) throws -> VitModel {
    let library = try bench.compile(Self.digits, name: "digits") {
      $0.target = "host"
      $0.wantsSelfTest = false
    }
    return try VitModel(path: library, options: VitOptions(threads: 1))
  }

  @Test func labelsProblemAndPreprocessing() throws {
    let description = try model(Workbench()).description
    let details = try description.details()
    let labels = [
      "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    ]
    #expect(details.labels == labels && description.labels == labels)
    #expect(details.problem == .singleLabel)
    #expect(details.precision == "f32")
    #expect(details.architecture["depth"] == 3)
    let preprocessing = try #require(details.preprocessing)
    #expect(preprocessing.mode == .shortestEdge && preprocessing.filter == .bicubic)
    #expect(preprocessing.resizeHeight == 32 && preprocessing.window == .centered)
    #expect(preprocessing.mean == [0.5, 0.5, 0.5] && preprocessing.deviation == [0.5, 0.5, 0.5])
    #expect(preprocessing.rescale == 1 / 255.0 && preprocessing.offset == 0)
    #expect(!preprocessing.isBGR && preprocessing.longestEdge == nil)
  }

  /// Memory of one's own is read and written as it is, and gives the same as arrays.
  @Test func spans() throws {
    let model = try model(Workbench())
    let context = try model.makeContext()
    var random = SplitMix64(seed: 7)
    let rgb = (0..<3 * 40 * 50).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    let image = try model.preprocess(rgb: rgb, width: 40, height: 50)
    let logits = try context.run(images: image)

    var place = [Float](repeating: .nan, count: image.count)
    var span = place.mutableSpan
    try model.preprocess(rgb: rgb.span.bytes, width: 40, height: 50, into: &span)
    #expect(place == image)
    var output = [Float](repeating: .nan, count: 10)
    var outputSpan = output.mutableSpan
    try context.run(images: place.span, into: &outputSpan)
    #expect(output == logits)

    // One element less of anything is refused before a byte is touched.
    let fewer = "image has 3071 floats, expected [3, 32, 32] = 3072"
    let short = #expect(throws: VitError.self) {
      var small = [Float](repeating: 0, count: 3071)
      var span = small.mutableSpan
      try model.preprocess(rgb: rgb.span.bytes, width: 40, height: 50, into: &span)
    }
    #expect(short?.message == fewer)
    let fewerPixels = Array(rgb.dropLast())
    #expect(throws: VitError.self) {
      var span = place.mutableSpan
      try model.preprocess(rgb: fewerPixels.span.bytes, width: 40, height: 50, into: &span)
    }
    #expect(throws: VitError.self) {
      var small = [Float](repeating: 0, count: 9)
      var span = small.mutableSpan
      try context.run(images: place.span, into: &span)
    }
  }

  @Test func namesInSwift() {
    func writer(_ name: String) -> SwiftFileWriter {
      SwiftFileWriter(
        ModelInterface(
          name: name, model: "x", compilerVersion: "0", target: "t",
          weightsHash: WeightHash(low: 0, high: 0), weightsBytes: 0, image: [3, 8, 8],
          outputs: [.init(name: "attention_class", shape: [2, 4])], parameters: 0, flops: 0,
          arenaBytes: 0), libraryFile: "lib\(name).so")
    }
    for (name, type) in [
      ("digits", "Digits"), ("vit_b16", "VitB16"), ("type", "TypeModel"), ("clipL", "ClipL"),
    ] {
      #expect(writer(name).typeName == type)
    }
    let text = writer("toy").text
    #expect(text.contains("    /// [count, 2, 4]\n    var attentionClass: [Swift.Float]\n"))
    #expect(text.contains(#"forResource: "libtoy", withExtension: "so""#))
    #expect(!text.contains("size:"))
  }

  /// The loader of a model for several sizes names them, and takes one.
  @Test func sizesInSwift() throws {
    let interface = ModelInterface(
      name: "toy", model: "x", compilerVersion: "0", target: "t",
      weightsHash: WeightHash(low: 0, high: 0), weightsBytes: 0, image: [3, 8, 8],
      outputs: [.init(name: "tokens", shape: [5, 4])], parameters: 0, flops: 0, arenaBytes: 0,
      furtherSizes: [
        .init(
          image: [3, 8, 12], outputs: [.init(name: "tokens", shape: [7, 4])], flops: 0,
          arenaBytes: 0)
      ])
    let text = SwiftFileWriter(interface, libraryFile: "libtoy.so").text
    #expect(
      text.contains(
        "static let imageShapes: [[Swift.Int]] = [\n    [3, 8, 8],\n    [3, 8, 12],\n  ]"))
    #expect(text.contains("count: Swift.Int = 1, size: Swift.Int = 0"))
    #expect(text.contains("/// [count, 5, 4] of the first size"))
    let bench = try Workbench()
    try Data(text.utf8).write(to: bench.folder.appendingPathComponent("toy.swift"))
    try bench.tool(["swiftc", "-parse", "toy.swift"])
  }
}
