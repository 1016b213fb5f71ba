import Foundation
import Models
import Npy
import Testing
import VitRuntime

/// Full-size variants with `seed:` weights against timm in float64.
///
/// `Scripts/goldens/vit_goldens.py` made the goldens; those of its slow suite run with VITC_SLOW=1.
@Suite(.serialized) struct VariantGoldenTests {
  struct Golden: Decodable, CustomTestStringConvertible {
    var variant: String
    var output: String
    var image: Int
    var suite: String
    var seed: UInt64
    var testDescription: String { variant }
  }

  private struct Index: Decodable {
    var goldens: [Golden]
  }

  static let goldens: [Golden] = {
    let index = try? Repository.json("Tests/Goldens/vit/index.json", as: Index.self)
    return (index?.goldens ?? []).filter { $0.suite == "fast" || Repository.runsSlowTests }
  }()

  /// The largest error over the root mean square that f32 may have.
  static let tolerance = 2e-5

  @Test func `the goldens are found`() { #expect(Self.goldens.count >= 30) }

  @Test(arguments: goldens) func `f32 is near float64`(_ golden: Golden) throws {
    let bench = try Workbench()
    let output = try #require(ModelOutput(rawValue: golden.output))
    let model = try bench.model(golden.variant) {
      $0.weights = "seed:\(golden.seed)"
      $0.outputs = [output]
    }
    let images = SeededCheckpoint.tensor(
      name: "input", shape: [1, 3, golden.image, golden.image], seed: golden.seed)
    let truth = try NpyArray(path: Repository.path("Tests/Goldens/vit/\(golden.variant).npy"))
    let found = try model.makeContext().run(images: images.values)
    let deviation = Deviation(found, truth.values)
    #expect(deviation.largest <= Self.tolerance, "\(golden.variant): \(deviation)")
    print("golden \(golden.variant): \(deviation.largest), relative L2 \(deviation.relativeL2)")
  }
}
