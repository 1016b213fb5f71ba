import Diagnostics
import Evaluation
import Foundation
import IR
import Npy
import Testing

@testable import Models

/// Tiny checkpoints as timm and transformers write them, loaded as folders, evaluated by the
/// reference semantics, against what timm and transformers compute from them in float64.
@Suite struct GoldenTests {
  /// What Scripts/goldens writes beside the folders.
  private struct Index: Decodable {
    struct Entry: Decodable {
      var name: String
      var image: Int
      var goldens: [Golden]
    }
    struct Golden: Decodable {
      var file: String
      var output: String
      var image: Int
      var width: Int?
      /// Height and width.
      var size: [Int] { [image, width ?? image] }
      /// The file of the images.
      var input: String { "\(width.map { "\(image)x\($0)" } ?? "\(image)")-input.npy" }
    }
    var models: [Entry]
  }

  private static func entries(_ kind: String) throws -> [Index.Entry] {
    let data = try Data(contentsOf: goldens.appendingPathComponent("\(kind)/index.json"))
    return try JSONDecoder().decode(Index.self, from: data).models
  }

  static func names(_ kind: String) -> [String] {
    ((try? entries(kind)) ?? []).map { "\(kind)/\($0.name)" }
  }

  @Test func thereAreGoldens() throws {
    #expect(try Self.entries("hf").count >= 10)
    #expect(try Self.entries("timm").count >= 10)
    #expect(try Self.entries("encoders").count >= 10)
  }

  /// How many image sizes there are of folders whose library does not take any.
  private static let sizes = [
    "encoders/aimv2": 1, "encoders/aimv2-bare": 1, "encoders/aimv2-headless": 1,
    "encoders/beit-wide-f16": 2, "encoders/donut-swin": 1, "encoders/sam": 1, "encoders/sam-hq": 1,
    "encoders/sam-hq-vision": 1, "encoders/sam-vision": 1, "encoders/swin": 2,
    "encoders/swin-bare-f16": 2, "encoders/swinv2": 2, "encoders/swinv2-bare-f16": 2,
    "encoders/swinv2-wide-f16": 1, "open-clip/tower-mlp": 1,
    "encoders/yolos": 2, "encoders/yolos-detector-f16": 2, "encoders/yolos-plain-f16": 2,
  ]

  /// max |y - y64| / rms(y64) ≤ 2e-5, for each output, at the checkpoint's own image size and at
  /// others.
  @Test(arguments: names("hf") + names("timm") + names("encoders") + names("open-clip"))
  func equalsPython(name: String) throws {
    let parts = name.split(separator: "/").map(String.init)
    let entry = try #require(try Self.entries(parts[0]).first { $0.name == parts[1] })
    let folder = goldens.appendingPathComponent(name)
    let sizes = Self.sizes[name] ?? (["hf", "timm"].contains(parts[0]) ? 2 : 3)
    #expect(Set(entry.goldens.map(\.size)).count == sizes)
    for (size, files) in Dictionary(grouping: entry.goldens, by: \.size) {
      let (height, width) = (size[0], size[1])
      let model = try Model.load(
        folder.path, options: ModelOptions(imageSize: (height: height, width: width)))
      // The positions of these are those of another size.
      let isTableOfItsOwn = ["vitdet", "naflex", "radio"].contains { parts[1].hasPrefix($0) }
      if size == [entry.image, entry.image], !isTableOfItsOwn {
        #expect(!model.configuration.numericsSummary.contains("positions resized"))
      }
      let outputs = try files.map { try #require(ModelOutput(rawValue: $0.output)) }
      let graph = try model.graph(outputs: outputs)
      let evaluator = Evaluator(graph) { (name) throws(Diagnostic) in
        try model.checkpoint.read(name)
      }
      let images = try NpyArray(
        path: folder.appendingPathComponent("golden/\(files[0].input)").path)
      let count = 3 * height * width
      for index in 0..<images.shape[0] {
        let input = Tensor(
          shape: [3, height, width],
          values: Array(images.values[index * count..<(index + 1) * count]))
        let results = try evaluator.results(["image": input])
        for file in files {
          let golden = try NpyArray(path: folder.appendingPathComponent(file.file).path)
          let result = try #require(results[file.output])
          #expect(result.shape == Array(golden.shape.dropFirst()), "\(file.file)")
          let wanted = golden.values[
            index * result.values.count..<(index + 1) * result.values.count]
          let error = zip(result.values, wanted).map { abs(Double($0) - Double($1)) }.max() ?? 1
          let square = wanted.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(wanted.count)
          #expect(error / square.squareRoot() <= 2e-5, "\(file.file)")
        }
      }
      #expect(model.checkpoint.warnings.isEmpty)
    }
  }
}
