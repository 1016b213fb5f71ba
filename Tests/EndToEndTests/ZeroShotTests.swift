import Codegen
import Compiler
import Diagnostics
import Foundation
import Models
import Npy
import Testing
import VitRuntime

/// Heads that compare images with texts, against the libraries' own `logits_per_image` in float64.
@Suite struct ZeroShotTests {
  private static let goldens = Repository.path("Tests/Goldens/zero-shot")

  static let folders =
    (try? FileManager.default.contentsOfDirectory(atPath: goldens))?
    .filter { $0.hasSuffix("-logits.npy") }.map { String($0.dropLast("-logits.npy".count)) }
    .sorted() ?? []

  private static let labels = ["a", "b", "c", "d", "e"]

  @Test func thereAreGoldens() { #expect(Self.folders.count == 11) }

  @Test(arguments: folders) func equalsTheLibrary(_ name: String) throws {
    let bench = try Workbench()
    let kind = name.hasPrefix("encoders") ? "encoders" : "open-clip"
    let folder = "Tests/Goldens/\(kind)/\(name.dropFirst(kind.count + 1))"
    let vectors = try NpyArray(path: "\(Self.goldens)/\(name)-vectors.npy")
    let truth = try NpyArray(path: "\(Self.goldens)/\(name)-logits.npy")
    let path = try bench.compile(Repository.path(folder), name: "words") {
      $0.textClasses = TextClasses(
        labels: Self.labels, vectors: vectors.values, source: "vectors.npy")
    }
    let inputs = try FileManager.default.contentsOfDirectory(
      atPath: Repository.path("\(folder)/golden"))
    let sizes = inputs.filter { $0.hasSuffix("-input.npy") && !$0.contains("x") }
    let image = try VitModel(path: path).description.input.shape[2]
    let file = try #require(sizes.first { $0 == "\(image)-input.npy" })
    let input = try NpyArray(path: Repository.path("\(folder)/golden/\(file)"))
    for isa in Target.runnableHere.map(\.name) {
      let targets = try VitModel(path: path).description.target.split { $0 == " " || $0 == "," }
      guard targets.contains(Substring(isa)) else { continue }
      let model = try VitModel(path: path, options: VitOptions(threads: 2, isa: isa))
      let found = try model.makeContext().runAll(images: input.values, count: input.shape[0])
      let deviation = Deviation(try #require(found["logits"]), truth.values)
      #expect(deviation.largest <= 2e-5, "\(name) on \(isa): \(deviation)")
      #expect(model.description.scores == (name.contains("siglip") ? .sigmoid : .softmax))
    }
  }

  /// What is no pair of towers, and vectors of another model, by name.
  @Test(arguments: [
    ("Tests/Goldens/hf/vit", 24, "a model of the type 'vit' does not compare images with texts"),
    ("Tests/Goldens/encoders/clip-classifier", 24, "'CLIPForImageClassification' has classes"),
    ("Tests/Goldens/encoders/clip", 23, "the vectors of texts have 23 numbers"),
    ("vit_base_patch16_224", 24, "'vit_base_patch16_224' is not a model folder"),
  ])
  func refusals(_ model: String, _ width: Int, _ message: String) throws {
    let bench = try Workbench()
    let path = model.hasPrefix("Tests") ? Repository.path(model) : model
    let failure = #expect(throws: Diagnostic.self) {
      try bench.compile(path, name: "words") {
        $0.textClasses = TextClasses(
          labels: Self.labels, vectors: [Float](repeating: 1, count: 5 * width),
          source: "vectors.npy")
      }
    }
    #expect(failure?.message.contains(message) == true, "\(String(describing: failure))")
  }
}
