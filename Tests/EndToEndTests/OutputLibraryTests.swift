import Codegen
import Foundation
import Models
import Npy
import Passes
import Testing
import VitRuntime

/// Compiled libraries that return layers, attention weights and what is made of them, against
/// timm and transformers in float64; on every instruction set that this machine runs.
@Suite struct OutputLibraryTests {
  struct Entry: Decodable, CustomTestStringConvertible {
    var name: String
    var folder: String
    var outputs: String
    var testDescription: String { name }
  }

  private struct Index: Decodable {
    var models: [Entry]
  }

  static let entries: [Entry] =
    (try? Repository.json("Tests/Goldens/outputs/index.json", as: Index.self))?.models ?? []

  @Test func thereAreGoldens() { #expect(Self.entries.count >= 16) }

  @Test(arguments: entries) func equalsPython(_ entry: Entry) throws {
    try check(entry, .f32) { #expect($1.largest <= 2e-5, "\($0): \($1)") }
  }

  /// The bounds of other goldens in bf16; heads have 8 or 12 features, whose scores are large.
  @Test(arguments: entries) func isNearInBF16(_ entry: Entry) throws {
    try check(entry, .bf16) {
      #expect($1.relativeL2 <= 0.04 && $1.cosine >= 0.999, "\($0): \($1)")
    }
  }

  private func check(
    _ entry: Entry, _ precision: Precision, _ judge: (String, Deviation) -> Void
  ) throws {
    let bench = try Workbench()
    let path = try bench.compile(Repository.path("Tests/Goldens/\(entry.folder)")) {
      $0.precision = precision
      $0.outputs = (try? ModelOutput.list(entry.outputs)) ?? []
    }
    let archive = try NpzArchive(path: Repository.path("Tests/Goldens/outputs/\(entry.name).npz"))
    let input = try archive.read("input")
    let count = input.shape[0]
    let isas = try VitModel(path: path).description.isas
    for isa in Target.runnableHere.map(\.name) where isas.contains(isa) {
      let model = try VitModel(path: path, options: VitOptions(threads: 2, isa: isa))
      let context = try model.makeContext()
      let found = try context.runAll(images: input.values, count: count)
      #expect(Set(found.keys) == Set(archive.names).subtracting(["input"]))
      for tensor in model.description.outputs {
        let truth = try archive.read(tensor.name)
        #expect([count] + tensor.shape == truth.shape, "\(tensor.name)")
        let values = try #require(found[tensor.name])
        judge("\(tensor.name) on \(isa)", Deviation(values, truth.values))
        // Alone it is the same, to the bit.
        let alone = try context.runAll(
          images: input.values, count: count, outputs: [tensor.name])
        #expect(alone.keys.sorted() == [tensor.name])
        #expect(alone[tensor.name]?.map(\.bitPattern) == values.map(\.bitPattern))
      }
      if precision == .f32 { #expect(try model.selftest().passed) }
    }
  }
}
