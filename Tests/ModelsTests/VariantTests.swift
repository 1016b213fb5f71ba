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

  /// One line for each value that differs from timm's, and for each model that one side lacks.
  @Test func agreesWithTimm() throws {
    let golden = try golden()
    var differences: [String] = []
    let known = Set(Variants.all.map(\.name))
    for name in golden.keys.sorted() where !known.contains(name) {
      differences.append("\(name): timm_variants.tsv has a line, no family has a row")
    }
    for variant in Variants.all {
      guard let line = golden[variant.name] else {
        differences.append(
          "\(variant.name): no line in timm_variants.tsv; Scripts/goldens/timm_variants.py makes it"
        )
        continue
      }
      differences += try Self.differences(variant, from: line)
    }
    #expect(golden.count > 120)
    #expect(differences.isEmpty, "\n\(differences.joined(separator: "\n"))")
  }

  /// What a variant has otherwise than timm says.
  private static func differences(
    _ variant: Variant, from line: [String: String]
  ) throws -> [String] {
    let model = variant.configuration
    try model.check()
    let tensors = try model.tensors()
    let head = tensors.filter { $0.name.hasPrefix("head") }.reduce(0) { $0 + $1.type.count }
    let (epsilon, activation) = try numerics(of: model)
    var found = [
      "params": String(try variant.parameters), "tensors": String(tensors.count),
      "elements_head": String(head), "gmacs": String(format: "%.6f", variant.gigaFlops / 2),
      "epsilon": epsilon, "act": activation, "image": String(model.imageHeight),
    ]
    let parts = try model.tensors(fusedQKV: false).reduce(0) { $0 + $1.type.count }
    if parts != (try variant.parameters) { found["params"] = "\(parts) with q, k and v apart" }
    if model.imageHeight != model.imageWidth {
      found["image"] = "\(model.imageHeight)x\(model.imageWidth)"
    }
    let input = try #require(model.preprocessing, "\(variant.name)")
    if line["crop"] != "-" {
      func list(_ values: [Double]) -> String { values.map(\.description).joined(separator: ",") }
      found["mean"] = list(input.mean)
      found["deviation"] = list(input.deviation)
      found["filter"] = input.filter == .bilinear ? "bilinear" : "bicubic"
      found["mode"] = input.timm?.mode.rawValue
      let crop = try #require(line["crop"].flatMap(Double.init), "\(variant.name)")
      let isSame = input.resizeHeight == Int(Double(model.imageHeight) / crop)
      found["crop"] =
        isSame
        ? line["crop"] : "\(Double(model.imageHeight) / Double(input.resizeHeight))"
    }
    return found.sorted { $0.key < $1.key }.compactMap { key, value in
      let wanted = line[key] ?? "nothing"
      return value == wanted ? nil : "\(variant.name): \(key) is \(value), timm has \(wanted)"
    }
  }

  /// The epsilon of the norms and the activation of the layers, as timm prints them: those of the
  /// blocks after a ResNet.
  private static func numerics(
    of model: any ModelConfiguration
  ) throws -> (epsilon: String, activation: String) {
    let names: [ActivationFunction: String] = [
      .gelu: "GELU", .geluTanh: "GELUTanh", .quickGelu: "QuickGELU", .silu: "SiLU", .relu: "ReLU",
    ]
    var (group, layer, activation) = (Float.nan, Float?.none, "")
    for node in try model.graph(outputs: [.features]).nodes {
      switch node.op {
      case .groupNorm(let op): group = op.epsilon
      case .evoNorm(let op): (group, activation) = (op.epsilon, "EvoNorm2dS0")
      case .filterResponseNorm(let op):
        (group, activation) = (op.epsilon, "FilterResponseNormTlu2d")
      case .batchScaleShift(let op): group = op.epsilon
      case .layerNorm(let op) where !node.name.hasPrefix("neck"): layer = op.epsilon
      case .rmsNorm(let op): layer = op.epsilon
      case .swiGLU: activation = "SiLU"
      case .activation(let op): activation = names[op.function] ?? "\(op.function)"
      default: break
      }
    }
    // As Python prints it.
    let epsilon = layer ?? group
    return (epsilon == 1e-5 ? "1e-05" : epsilon == 1e-6 ? "1e-06" : "\(epsilon)", activation)
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
    #expect(try model.parameters == parameters)
    #expect(model.imageHeight == 224 && model.imageWidth == 224)
  }

  @Test func theStudyHasEighteenRows() {
    #expect(Variants.all.reduce(0) { $0 + $1.studyEpochs.count } == 18)
    #expect(Variants.all.count { !$0.studyEpochs.isEmpty } == 15)
  }

  /// Nothing that is known needs a feature that is missing.
  @Test func nothingIsMissingOfWhatIsKnown() {
    for variant in Variants.all {
      #expect(MissingFeature.ofTimm(variant.name) == nil, "\(variant.name)")
    }
    for type in Families.modelTypes.map(\.modelType) {
      #expect(MissingFeature.ofTransformers(type) == nil, "\(type)")
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
    let relative = try diagnostic { try Variants.named("mvitv2_tiny") }
    #expect(
      relative.message == "'mvitv2_tiny' needs queries, keys and values that convolutions pool, "
        + "which vitc does not have")
    let both = try diagnostic { try Variants.named("vit-g_14") }
    #expect(both.message == "'vit-g_14' could be 'ViT-g/14' and 'ViT-G/14'")
  }
}
