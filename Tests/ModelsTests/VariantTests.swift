import Diagnostics
import Foundation
import IR
import Testing

@testable import Models

@Suite struct VariantTests {
  /// What timm says: name, and each column by its name.
  private func golden() throws -> [String: [String: String]] {
    let text = try String(
      contentsOf: goldens.appendingPathComponent("timm_variants.tsv"), encoding: .utf8)
    let rows = text.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
    let header = try #require(rows.first)
    return Dictionary(
      uniqueKeysWithValues: rows.dropFirst().map {
        ($0[0], Dictionary(uniqueKeysWithValues: zip(header, $0)))
      })
  }

  @Test func agreesWithTimm() throws {
    let golden = try golden()
    #expect(golden.count > 120)
    #expect(Set(golden.keys) == Set(Variants.all.map(\.name)))
    let activations = [
      "GELU": ActivationFunction.gelu, "GELUTanh": .geluTanh, "QuickGELU": .quickGelu,
      "SiLU": .silu, "ReLU": .relu,
    ]
    for variant in Variants.all {
      let row = try #require(golden[variant.name], "\(variant.name)")
      let model = variant.configuration
      try model.check()
      let tensors = model.tensors(fusedQKV: true)
      #expect(String(variant.parameters) == row["params"], "\(variant.name)")
      #expect(String(tensors.count) == row["tensors"], "\(variant.name)")
      let head = tensors.filter { $0.name.hasPrefix("head") }.reduce(0) { $0 + $1.type.count }
      #expect(String(head) == row["elements_head"], "\(variant.name)")
      let gigaMultiplyAdds = try #require(row["gmacs"].flatMap(Double.init))
      #expect(abs(variant.gigaFlops / 2 - gigaMultiplyAdds) < 1e-6, "\(variant.name)")
      let epsilon: Double?
      let activation: ActivationFunction
      switch model {
      case let model as ViTConfiguration:
        (epsilon, activation) = (model.layerNormEpsilon, model.activation)
      case let model as ResNetConfiguration:
        (epsilon, activation) = (model.trunk.groupNormEpsilon, .relu)
      default: throw Diagnostic("\(variant.name) is of an unknown kind")
      }
      #expect(Double(row["epsilon"] ?? "") == epsilon, "\(variant.name)")
      #expect(activations[row["act"] ?? ""] == activation, "\(variant.name)")
      #expect(model.tensors(fusedQKV: false).reduce(0) { $0 + $1.type.count } == variant.parameters)

      let input = try #require(model.preprocessing)
      let side = try #require(row["image"].flatMap(Int.init))
      #expect(model.imageHeight == side && model.imageWidth == side, "\(variant.name)")
      if row["crop"] == "-" { continue }
      let crop = try #require(row["crop"].flatMap(Double.init))
      #expect(input.mode == (row["mode"] == "squash" ? .exact : .shortestEdge), "\(variant.name)")
      #expect(input.resizeHeight == Int(Double(side) / crop), "\(variant.name)")
      #expect(input.filter == (row["filter"] == "bilinear" ? .bilinear : .bicubic))
      #expect(input.mean.map(\.description).joined(separator: ",") == row["mean"])
      #expect(input.deviation.map(\.description).joined(separator: ",") == row["deviation"])
    }
  }

  /// The scaling study's parameters with 1000 classes, as timm's modules have them.
  @Test(arguments: [
    ("R50x1", 25_549_352), ("R50x2", 97_988_712), ("R101x1", 44_541_480),
    ("R152x1", 60_185_128), ("R152x2", 236_335_208), ("R200x3", 568_633_000),
    ("ViT-B/32", 88_224_232), ("ViT-B/16", 86_567_656), ("ViT-L/32", 306_535_400),
    ("ViT-L/16", 304_326_632), ("ViT-H/14", 632_045_800), ("R50+ViT-B/32", 110_945_832),
    ("R50+ViT-B/16", 98_659_112), ("R50+ViT-L/32", 328_994_856),
    ("R50+ViT-L/16", 316_483_624),
  ])
  func theStudyIsComplete(name: String, parameters: Int) throws {
    let variant = try Variants.named(name)
    #expect(!variant.studyEpochs.isEmpty)
    var model = variant.configuration
    model.classes = 1000
    #expect(model.parameters == parameters)
    #expect(model.imageHeight == 224 && model.imageWidth == 224)
  }

  @Test func theStudyHasEighteenRows() {
    #expect(Variants.all.reduce(0) { $0 + $1.studyEpochs.count } == 18)
    #expect(Variants.all.count { !$0.studyEpochs.isEmpty } == 15)
  }

  @Test func namesAreUnique() {
    #expect(Set(Variants.allNames).count == Variants.allNames.count)
  }

  @Test(arguments: [
    ("vit_base_patch16_224", "vit_base_patch16_224"), ("ViT-B/16", "vit_base_patch16_224"),
    ("vit-b/16", "vit_base_patch16_224"), ("ViT-B_16", "vit_base_patch16_224"),
    ("ViT-B/16-224", "vit_base_patch16_224"), ("ViT-B/16-384", "vit_base_patch16_384"),
    ("DeiT-S/16", "deit_small_patch16_224"), ("ViT-g/14", "vit_giant_patch14_224"),
    ("ViT-G/14", "vit_gigantic_patch14_224"),
    ("DINOv2-S/14-reg", "vit_small_patch14_reg4_dinov2"),
    ("VIT_TINY_PATCH16_224", "vit_tiny_patch16_224"),
    ("R50x1", "resnetv2_50x1_bit"), ("r200X3", "R200x3"), ("R152x4-480", "resnetv2_152x4_bit"),
    ("R50+ViT-B/16", "vit_base_r50_s16_224"), ("R50+B/16-384", "vit_base_r50_s16_384"),
    ("R50+ViT-L_16", "R50+ViT-L/16"), ("R26+S/32", "vit_small_r26_s32_224"),
    ("R+Ti/16", "vit_tiny_r_s16_p8_224"), ("R50x2-224", "R50x2"),
  ])
  func understands(name: String, timm: String) throws {
    #expect(try Variants.named(name).name == timm)
  }

  @Test func suggests() throws {
    let typo = try diagnostic { try Variants.named("vit_bse_patch16_224") }
    #expect(typo.message == "no model of this name, and no such folder")
    #expect(typo.hint?.contains("'vit_base_patch16_224'") == true)
    let nonsense = try diagnostic { try Variants.named("qqqqqqqqqqqqqq") }
    #expect(nonsense.hint == "'vitc list' prints all names")
    let both = try diagnostic { try Variants.named("vit-g_14") }
    #expect(both.message == "'vit-g_14' could be 'ViT-g/14' and 'ViT-G/14'")
  }
}
