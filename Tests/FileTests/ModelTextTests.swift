import IR
import Models
import Passes
import Testing

/// The text form of the built-in models parses back to them, from the import to the plan.
@Suite struct ModelTextTests {
  /// What a variant is imported as.
  static func graph(_ variant: Variant) throws -> Graph {
    let configuration = variant.configuration
    let output: ModelOutput = configuration.classes > 0 ? .logits : .features
    return try configuration.graph(outputs: [output])
  }

  /// One of each family.
  static let names = [
    "vit_tiny_patch16_224", "vit_base_patch16_clip_224", "vit_base_patch16_siglip_gap_224",
    "deit_tiny_distilled_patch16_224", "deit3_small_patch16_224", "vit_small_patch14_reg4_dinov2",
    "R50x1", "R26+ViT-S/32",
  ]

  @Test(arguments: names)
  func `a variant reads back`(_ name: String) throws {
    let graph = try Self.graph(Variants.named(name))
    try Verifier.verify(graph)
    let same = try GraphParser.parse(graph.description) == graph
    #expect(same)
  }

  @Test(arguments: Form.allCases)
  func `every form reads back`(_ form: Form) throws {
    let graph = try Self.graph(Variants.named("deit_tiny_distilled_patch16_224"))
    let options = PassManager.Options(stopAfter: Pipeline.lastPass(making: form)?.name)
    let result = form == .imported ? graph : try PassManager().run(graph, options).graph
    #expect(result.form == form)
    let same = try GraphParser.parse(result.description) == result
    #expect(same)
  }
}
