import Foundation
import Models
import Npy
import Testing
import VitRuntime

/// Hybrids and ResNets of full size from Google's `.npz` files, whose arrays are the seeded tensors
/// of their own names, against timm's loader of these files in float64 under two conventions.
@Suite struct NpzConvolutionTests {
  struct Entry: Decodable, CustomTestStringConvertible {
    var name: String
    var image: Int
    var classes: Int
    /// The shapes of the file's arrays.
    var arrays: [String: [Int]]
    var testDescription: String { name }
  }

  private struct Index: Decodable {
    var models: [Entry]
  }

  static let entries: [Entry] =
    (try? Repository.json("Tests/Goldens/npz-convolutions/index.json", as: Index.self))?.models
    ?? []

  @Test func `the goldens are found`() { #expect(Self.entries.count >= 3) }

  @Test(arguments: entries) func `logits are those of timm`(_ entry: Entry) throws {
    let bench = try Workbench()
    let file = bench.path("weights.npz")
    try NpzArchive.write(
      file,
      entry.arrays.sorted { $0.key < $1.key }.map { name, shape in
        let values = SeededCheckpoint.tensor(name: name, shape: shape, seed: 1).values
        return (name: name, array: NpyArray(shape: shape, values: values))
      })
    let input = SeededCheckpoint.tensor(
      name: "input", shape: [1, 3, entry.image, entry.image], seed: 1)
    for (numerics, suffix) in [(nil, ""), (NumericsConvention.timm, "-timm")] {
      let model = try bench.model(entry.name, name: "model\(suffix.count)") {
        $0.weights = file
        $0.numerics = numerics
      }
      let truth = try NpyArray(
        path: Repository.path("Tests/Goldens/npz-convolutions/\(entry.name)-logits\(suffix).npy"))
      let found = try model.makeContext().run(images: input.values, count: 1)
      #expect(found.count == entry.classes)
      let deviation = Deviation(found, truth.values)
      #expect(deviation.largest <= 5e-5, "\(numerics?.rawValue ?? "jax"): \(deviation)")
    }
  }
}
