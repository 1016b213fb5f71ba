import Diagnostics
import Evaluation
import Foundation
import IR
import Npy
import Testing

@testable import Models

/// Tiny checkpoints under all the names of Google's JAX code, evaluated by the reference semantics,
/// against timm's loader of these files in float64, under three conventions.
@Suite struct NpzGoldenTests {
  struct Entry: Decodable, CustomTestStringConvertible {
    struct Golden: Decodable {
      var file: String
      /// `logits`, or `logits-timm` under timm's numerics.
      var output: String
      var image: Int
    }
    var name: String
    var image: Int
    var goldens: [Golden]
    var testDescription: String { name }
  }

  private struct Index: Decodable {
    var models: [Entry]
  }

  static let entries: [Entry] = {
    let data = try? Data(contentsOf: goldens.appendingPathComponent("npz/index.json"))
    return data.flatMap { try? JSONDecoder().decode(Index.self, from: $0).models } ?? []
  }()

  @Test func thereAreGoldens() { #expect(Self.entries.count >= 6) }

  /// max |y - y64| / rms(y64) ≤ 2e-5, for each output, image size and convention.
  @Test(arguments: entries) func equalsTimm(entry: Entry) throws {
    let folder = goldens.appendingPathComponent("npz/\(entry.name)")
    for golden in entry.goldens {
      let parts = golden.output.split(separator: "-").map(String.init)
      let output = try #require(ModelOutput(rawValue: parts[0]))
      var options = ModelOptions(weights: folder.appendingPathComponent("weights.npz").path)
      // The folder says 16 and the file may say more: it counts.
      if golden.image != entry.image { options.imageSize = (golden.image, golden.image) }
      if parts.count > 1 {
        options.numerics = NumericsConvention(rawValue: parts[1])
        #expect(options.numerics != nil)
      }
      let model = try Model.load(folder.path, options: options)
      #expect(model.configuration.numerics == options.numerics ?? .jax)
      let graph = try model.graph(outputs: [output])
      let evaluator = Evaluator(graph) { (name) throws(Diagnostic) in
        try model.checkpoint.read(name)
      }
      let images = try NpyArray(
        path: folder.appendingPathComponent("golden/\(golden.image)-input.npy").path)
      let truth = try NpyArray(path: folder.appendingPathComponent(golden.file).path)
      let size = 3 * golden.image * golden.image
      for index in 0..<images.shape[0] {
        let input = Tensor(
          shape: [3, golden.image, golden.image],
          values: Array(images.values[index * size..<(index + 1) * size]))
        let result = try #require(try evaluator.results(["image": input])[output.rawValue])
        #expect(result.shape == Array(truth.shape.dropFirst()), "\(golden.file)")
        let wanted = truth.values[
          index * result.values.count..<(index + 1) * result.values.count]
        let error = zip(result.values, wanted).map { abs(Double($0) - Double($1)) }.max() ?? 1
        let square = wanted.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(wanted.count)
        #expect(error / square.squareRoot() <= 2e-5, "\(golden.file)")
      }
    }
  }
}
