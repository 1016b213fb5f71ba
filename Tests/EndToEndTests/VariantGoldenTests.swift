import Foundation
import Models
import Npy
import Passes
import Testing
import VitRuntime

/// Full-size variants with `seed:` weights against timm in float64.
///
/// `Scripts/goldens/vit_goldens.py` made the goldens; those of its slow suite run with VITC_SLOW=1.
/// The largest take gigabytes, so each test has one of them at a time.
@Suite struct VariantGoldenTests {
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
    let model = try Variants.named(golden.variant).configuration
    return try model.graph(outputs: [.features]).nodes.contains { node in
      if case .conv2d = node.op { true } else { false }
    }
  }

  @Test func `the goldens are found`() { #expect(Self.goldens.count >= 30) }

  @Test(.serialized, arguments: goldens) func `f32 is near float64`(_ golden: Golden) throws {
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

  /// What the fast suite has in lower precisions; the slow one has all without convolutions.
  private static let fewVariants: Set = [
    "vit_base_patch16_224", "deit_small_distilled_patch16_224", "vit_small_patch14_dinov2",
  ]
  static let lowered = goldens.filter { golden in
    (Repository.runsSlowTests || fewVariants.contains(golden.variant))
      && (try? hasConvolutions(golden)) == false
  }

  /// One of each family, with no single number of the output further off than 3e-2 of the root mean
  /// square in bf16.
  private static let closeInBF16 = fewVariants.union([
    "vit_base_patch32_clip_quickgelu_224", "vit_base_patch16_siglip_224",
    "vit_small_patch16_dinov3", "eva02_base_patch14_224", "vit_pe_core_tiny_patch16_384",
    "beit_base_patch16_224", "naflexvit_base_patch16_gap", "swin_tiny_patch4_window7_224",
    "swinv2_tiny_window16_256",
  ])

  /// Random weights make the errors of trained ones: 2^-9 in bf16, a 255th of a row in int8, grown
  /// through the blocks.
  @Test(.serialized, arguments: lowered, [Precision.bf16, .int8])
  func `lower precisions are near float64`(_ golden: Golden, _ precision: Precision) throws {
    let bench = try Workbench()
    let output = try #require(ModelOutput(rawValue: golden.output))
    let model = try bench.model(golden.variant) {
      $0.weights = "seed:\(golden.seed)"
      $0.imageSize = (golden.image, golden.image)
      $0.outputs = [output]
      $0.target = "host"
      $0.precision = precision
      $0.wantsSelfTest = false
    }
    let images = SeededCheckpoint.tensor(
      name: "input", shape: [1, 3, golden.image, golden.image], seed: golden.seed)
    let truth = try NpyArray(path: Repository.path("Tests/Goldens/vit/\(golden.file).npy"))
    let deviation = Deviation(try model.makeContext().run(images: images.values), truth.values)
    #expect(deviation.relativeL2 <= (precision == .bf16 ? 0.012 : 0.05), "\(deviation)")
    #expect(deviation.cosine >= (precision == .bf16 ? 0.9999 : 0.9985), "\(deviation)")
    if precision == .bf16, Self.closeInBF16.contains(golden.variant) {
      #expect(deviation.largest <= 3e-2, "\(deviation)")
    }
    print("golden \(golden.file) in \(precision): relative L2 \(deviation.relativeL2)")
  }
}
