import Foundation
import Models
import Npy
import Testing
import VitRuntime

/// Checkpoints as Google's JAX code writes them, compiled, against timm's loader of these files in
/// float64, at their own image size and at another, under three conventions.
@Suite struct NpzTests {
  struct Entry: Decodable, CustomTestStringConvertible {
    struct Golden: Decodable {
      var file: String
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

  static let entries: [Entry] =
    (try? Repository.json("Tests/Goldens/npz/index.json", as: Index.self))?.models ?? []

  @Test func `the goldens are found`() { #expect(Self.entries.count >= 6) }

  @Test(arguments: entries) func `results are those of timm`(_ entry: Entry) throws {
    let bench = try Workbench()
    let base = "Tests/Goldens/npz/\(entry.name)"
    for (index, golden) in entry.goldens.enumerated() where golden.output != "tokens" {
      let parts = golden.output.split(separator: "-").map(String.init)
      let model = try bench.model(Repository.path(base), name: "model\(index)") {
        $0.weights = Repository.path("\(base)/weights.npz")
        $0.outputs = [ModelOutput(rawValue: parts[0])].compactMap { $0 }
        $0.imageSize = golden.image == entry.image ? nil : (golden.image, golden.image)
        if parts.count > 1 { $0.numerics = NumericsConvention(rawValue: parts[1]) }
      }
      let numerics = parts.count > 1 ? parts[1] : "jax: gelu_tanh"
      #expect(model.description.json.contains("\"numerics\":\"\(numerics)"))
      let input = try NpyArray(path: Repository.path("\(base)/golden/\(golden.image)-input.npy"))
      let truth = try NpyArray(path: Repository.path("\(base)/\(golden.file)"))
      let found = try model.makeContext().runAll(images: input.values, count: input.shape[0])
      let deviation = Deviation(try #require(found[parts[0]]), truth.values)
      #expect(deviation.largest <= 2e-5, "\(golden.file): \(deviation)")
    }
  }

  /// The header says whose arithmetic it is.
  @Test func `the header names the numerics`() throws {
    let bench = try Workbench()
    let base = Repository.path("Tests/Goldens/npz/2020")
    _ = try bench.compile(base) { $0.weights = base + "/weights.npz" }
    let header = try String(contentsOfFile: bench.path("model.h"), encoding: .utf8)
    #expect(header.contains(" * Numerics: jax: gelu_tanh, layer norm epsilon 1e-06\n"))
  }
}
