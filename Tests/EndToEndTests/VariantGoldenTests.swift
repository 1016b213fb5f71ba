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
    var file: String
    var output: String
    var image: Int
    var suite: String
    var seed: UInt64
    var testDescription: String { file }
  }

  private struct Index: Decodable {
    var goldens: [Golden]
  }

  static let goldens: [Golden] = {
    let index = try? Repository.json("Tests/Goldens/vit/index.json", as: Index.self)
    return (index?.goldens ?? []).filter { $0.suite == "fast" || Repository.runsSlowTests }
  }()

  private static func hasConvolutions(_ golden: Golden) throws -> Bool {
    switch try Variants.named(golden.variant).configuration {
    case let model as ViTConfiguration: model.trunk != nil
    default: true
    }
  }

  @Test func `the goldens are found`() { #expect(Self.goldens.count >= 30) }

  @Test(arguments: goldens) func `f32 is near float64`(_ golden: Golden) throws {
    let bench = try Workbench()
    let output = try #require(ModelOutput(rawValue: golden.output))
    let model = try bench.model(golden.variant) {
      $0.weights = "seed:\(golden.seed)"
      $0.imageSize = (golden.image, golden.image)
      $0.outputs = [output]
      $0.target = "host"
    }
    let images = SeededCheckpoint.tensor(
      name: "input", shape: [1, 3, golden.image, golden.image], seed: golden.seed)
    let truth = try NpyArray(path: Repository.path("Tests/Goldens/vit/\(golden.file).npy"))
    let found = try model.makeContext().run(images: images.values)
    let deviation = Deviation(found, truth.values)
    if try Self.hasConvolutions(golden) {
      // Through 150 layers rounding grows: PyTorch's float32 is off from its float64 by 1.1e-4 of
      // the root mean square in the worst of R152x1's logits (vit_goldens.py --float32).
      #expect(deviation.relativeL2 <= 5e-5, "\(golden.file): \(deviation)")
    } else {
      #expect(deviation.largest <= 2e-5, "\(golden.file): \(deviation)")
    }
    print("golden \(golden.file): \(deviation.largest), relative L2 \(deviation.relativeL2)")
  }
}
