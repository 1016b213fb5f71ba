import IR
import Models
import Testing

@testable import Passes

/// Known models of every family, full size: that their graphs are fused as they should be.
struct VariantTests {
  static let names = [
    "vit_tiny_patch16_224", "vit_base_patch16_224", "vit_base_patch16_384",
    "vit_base_patch16_clip_224", "vit_base_patch16_siglip_gap_224",
    "deit_tiny_distilled_patch16_224", "deit3_small_patch16_224", "vit_small_patch14_dinov2",
    "vit_small_patch14_reg4_dinov2",
  ]

  @Test(arguments: names, [true, false])
  func everythingIsFused(name: String, isFused: Bool) throws {
    let model = try Variants.named(name).configuration
    let output = model.classes == 0 ? ModelOutput.features : .logits
    let graph = try model.graph(fusedQKV: isFused, outputs: [output])
    let depth = try #require(model.architecture["depth"])
    let planned = try PassManager().run(graph).graph
    let constants = planned.constants()
    var counts: [String: Int] = [:]
    for (index, node) in planned.nodes.enumerated() where !constants[index] && !node.op.isView {
      counts[node.op.mnemonic, default: 0] += 1
    }
    for op in ["linear", "matmul", "scale", "multiply", "add", "softmax"] {
      #expect(counts[op] == nil, "\(op)")
    }
    #expect(counts["attention"] == depth)
    // Patches, four for each block, one more where the last block's queries are a layer of their
    // own, the heads.
    let products = 1 + depth * 4
    #expect((products...products + 3).contains(counts["fused_linear"] ?? 0), "\(counts)")
    // Only CLIP's norm before the blocks and norms whose result is returned are left.
    #expect(counts["layer_norm", default: 0] <= 1, "\(counts)")
    #expect(counts["center", default: 0] == (name.contains("clip") ? 1 : 0))
    #expect(planned.cost.flops <= graph.cost.flops)
    #expect(graph.parameterCount == (try model.parameters))
  }
}
