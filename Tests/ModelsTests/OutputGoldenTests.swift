import Diagnostics
import Evaluation
import Foundation
import IR
import Npy
import Testing

@testable import Models

/// Layers, attention weights and what is made of them, by the reference semantics, against what
/// timm and transformers compute in float64 (`Scripts/goldens/output_goldens.py`).
@Suite struct OutputGoldenTests {
  struct Entry: Decodable, CustomTestStringConvertible {
    var name: String
    var folder: String
    var image: Int
    var outputs: String
    var testDescription: String { name }
  }

  private struct Index: Decodable {
    var models: [Entry]
  }

  static let entries: [Entry] = {
    let file = goldens.appendingPathComponent("outputs/index.json")
    guard let data = try? Data(contentsOf: file) else { return [] }
    return (try? JSONDecoder().decode(Index.self, from: data).models) ?? []
  }()

  @Test func thereAreGoldens() { #expect(Self.entries.count >= 16) }

  @Test(arguments: entries) func equalsPython(_ entry: Entry) throws {
    let folder = goldens.appendingPathComponent(entry.folder)
    let model = try Model.load(folder.path)
    let outputs = try ModelOutput.list(entry.outputs)
    let graph = try model.graph(outputs: outputs)
    let archive = try NpzArchive(
      path: goldens.appendingPathComponent("outputs/\(entry.name).npz").path)
    // What is asked for is what the file has, no more and no less.
    #expect(Set(graph.outputs.map(\.name)) == Set(archive.names).subtracting(["input"]))
    let images = try archive.read("input")
    let evaluator = Evaluator(graph) { (name) throws(Diagnostic) in
      try model.checkpoint.read(name)
    }
    let size = images.values.count / images.shape[0]
    for index in 0..<images.shape[0] {
      let input = Tensor(
        shape: Array(images.shape.dropFirst()),
        values: Array(images.values[index * size..<(index + 1) * size]))
      let results = try evaluator.results(["image": input])
      for name in graph.outputs.map(\.name) {
        let golden = try archive.read(name)
        let result = try #require(results[name])
        #expect(result.shape == Array(golden.shape.dropFirst()), "\(name)")
        let count = result.values.count
        let wanted = golden.values[index * count..<(index + 1) * count]
        let error = zip(result.values, wanted).map { abs(Double($0) - Double($1)) }.max() ?? 1
        let square = wanted.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(count)
        #expect(error / square.squareRoot() <= 2e-5, "\(name) of image \(index)")
      }
    }
  }
}
