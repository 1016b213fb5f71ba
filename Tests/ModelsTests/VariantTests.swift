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
      "SiLU": .silu,
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
      #expect(Double(row["epsilon"] ?? "") == model.layerNormEpsilon, "\(variant.name)")
      #expect(activations[row["act"] ?? ""] == model.activation, "\(variant.name)")
      #expect(model.tensors(fusedQKV: false).reduce(0) { $0 + $1.type.count } == variant.parameters)

      let input = try #require(model.preprocessing)
      let side = try #require(row["image"].flatMap(Int.init))
      let crop = try #require(row["crop"].flatMap(Double.init))
      #expect(model.imageHeight == side && model.imageWidth == side, "\(variant.name)")
      #expect(input.mode == (row["mode"] == "squash" ? .exact : .shortestEdge), "\(variant.name)")
      #expect(input.resizeHeight == Int(Double(side) / crop), "\(variant.name)")
      #expect(input.filter == (row["filter"] == "bilinear" ? .bilinear : .bicubic))
      #expect(input.mean.map(\.description).joined(separator: ",") == row["mean"])
      #expect(input.deviation.map(\.description).joined(separator: ",") == row["deviation"])
    }
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
