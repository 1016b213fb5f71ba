import Diagnostics
import IR
import Testing

@testable import Models

/// The outputs that a model has, their shapes, and why it has others not.
@Suite struct OutputGraphTests {
  private func graph(_ model: String, _ outputs: String) throws -> Graph {
    let model = try Model.load(model, options: ModelOptions(weights: "seed:1"))
    return try model.graph(outputs: ModelOutput.list(outputs))
  }

  private func refusal(_ model: String, _ outputs: String) -> String? {
    let error = #expect(throws: Diagnostic.self, "\(model) \(outputs)") {
      try graph(model, outputs)
    }
    #expect(error?.location == .argument("--outputs"))
    return error?.message
  }

  @Test func shapes() throws {
    let text =
      "layers:-1+0,layers:3:norm,layers:3:nchw,layers:3:prefix,attention:class,"
      + "attention:class:all,attention:5,attention:all,rollout,distance,features:unit,pooled"
    let graph = try graph("vit_tiny_patch16_224", text)
    #expect(
      graph.outputs.map { "\($0.name) \(graph[$0.value].type)" } == [
        "layer11 f32[196,192]", "layer0 f32[196,192]", "layer3_norm f32[196,192]",
        "layer3_nchw f32[192,14,14]", "layer3_prefix f32[197,192]", "attention_class f32[3,196]",
        "attention_class_all f32[12,3,196]", "attention_5 f32[3,197,197]",
        "attention_all f32[12,3,197,197]", "rollout f32[14,14]", "distance f32[12,3]",
        "features_unit f32[192]", "pooled f32[192]",
      ])
  }

  /// Two rows that two heads read.
  @Test func pooledRows() throws {
    let graph = try graph("deit_tiny_distilled_patch16_224", "pooled")
    #expect(graph[graph.outputs[0].value].type == .f32(2, 192))
  }

  @Test func whatIsNotAsked() throws {
    let plain = try graph("vit_tiny_patch16_224", "logits")
    let more = try graph("vit_tiny_patch16_224", "logits,attention:class")
    // One row is cut out of what is there already.
    #expect(more.nodes.count == plain.nodes.count + 1)
  }

  @Test func refusals() {
    #expect(
      refusal("resnetv2_50x1_bit", "layers:1")
        == "'resnetv2_50x1_bit' has no blocks of tokens, so there is no 'layers:1'")
    #expect(
      refusal("vit_tiny_patch16_224", "layers:12")
        == "there is no block 12, expected 0 to 11, or -1 to -12 from the end")
    #expect(
      refusal("vit_tiny_patch16_224", "layers:0,layers:-12") == "duplicate output 'layer0'")
    #expect(
      refusal("vit_medium_patch16_gap_240", "layers:0:prefix")
        == "'vit_medium_patch16_gap_240' has no tokens before the patches, so 'prefix' means "
        + "nothing")
    #expect(
      refusal("vit_medium_patch16_gap_240", "attention:class")
        == "'vit_medium_patch16_gap_240' averages its patches: no token reads them")
    #expect(
      refusal("vit_base_patch16_siglip_224", "attention:class:all")
        == "'vit_base_patch16_siglip_224' has a learned query that reads its last tokens, and no "
        + "class token in its blocks")
  }

  /// Models whose patches see those of a window alone.
  @Test(arguments: [
    "swin_tiny_patch4_window7_224", "swin_s3_tiny_224", "samvit_base_patch16",
  ])
  func windows(_ name: String) throws {
    guard (try? Variants.named(name)) != nil else { return }
    for output in ["attention:class", "attention:0", "attention:all", "rollout", "distance"] {
      #expect(
        refusal(name, output)
          == "'\(name)' attends within windows, so most pairs of patches have no weight")
    }
  }
}
