import Foundation
import IR
import Testing

@testable import Models

/// Configurations of DINOv3; the goldens hold what such folders compute.
@Suite struct DINOv3FolderTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(_ config: String) throws -> ModelFolder {
    try folder.write("config.json", config)
    return try ModelFolder(path: folder.url.path)
  }

  @Test func fillsInDefaults() throws {
    let model = try transformer(read(#"{"model_type": "dinov3_vit"}"#).model)
    #expect(model.dim == 384 && model.depth == 12 && model.heads == 6 && model.mlpHidden == 1536)
    #expect(model.patch == 16 && model.registerTokens == 0 && model.layerNormEpsilon == 1e-5)
    #expect(model.rotary == RotaryPositions(base: 100) && !model.hasPositionTable)
    #expect(model.attentionBiases == [.query, .value] && model.hasMLPBias)
    #expect(model.layerScale && model.pooling == .token && model.feedForward == .mlp)
  }

  @Test(arguments: [
    (
      #""use_gated_mlp": true, "hidden_act": "gelu""#,
      "'hidden_act' is 'gelu', but a gated MLP is read with 'silu'"
    ),
    (
      #""hidden_size": 36, "num_attention_heads": 6"#,
      "heads of 6, which positions do not turn by pairs on two axes"
    ),
    (#""rope_theta": 0"#, "the base of the positions' angles is 0.0, expected above 0"),
  ])
  func refuses(keys: String, message: String) throws {
    let error = try diagnostic { try read(#"{"model_type": "dinov3_vit", \#(keys)}"#) }
    #expect(error.message.hasSuffix(message), "\(error.message)")
    #expect(error.location == .file(folder.url.path + "/config.json"))
  }

  /// The same weights are pooled otherwise by the two libraries.
  @Test func conventionsPoolOtherwise() throws {
    func pooling(_ name: String, _ numerics: NumericsConvention?) throws -> TokenPooling {
      try transformer(
        Model.load(name, options: ModelOptions(weights: "seed:1", numerics: numerics))
          .configuration
      ).pooling
    }
    #expect(try pooling("DINOv3-S/16", nil) == .average)
    #expect(try pooling("DINOv3-S/16", .huggingFace) == .token)
    #expect(try pooling("LingBot-S/16", nil) == .token)
    let golden = goldens.appendingPathComponent("encoders/dinov3").path
    let model = try Model.load(golden, options: ModelOptions(numerics: .timm))
    #expect(try transformer(model.configuration).pooling == .average)
  }

  /// transformers' weights under timm's name: the biases are the file's.
  @Test func takesTheBiasesOfTheFile() throws {
    try folder.write(
      "config.json",
      #"{"architecture": "vit_base_patch16_dinov3", "num_classes": 0, "#
        + #""model_args": {"img_size": 16, "patch_size": 4, "embed_dim": 32, "depth": 2, "#
        + #""num_heads": 2, "mlp_ratio": 1.5, "num_reg_tokens": 3}}"#)
    let file = goldens.appendingPathComponent("encoders/dinov3/model.safetensors").path
    let model = try Model.load(folder.url.path, options: ModelOptions(weights: file))
    let found = try transformer(model.configuration)
    #expect(found.qkvBias && found.attentionBiases == [.query, .value])
    #expect(found.pooling == .token)
  }

  @Test(arguments: [
    (#""swiglu_mlp": true"#, "'model_args.swiglu_mlp' is true, which vitc does not support"),
    (#""global_pool": "max""#, "unknown 'global_pool' 'max'"),
  ])
  func refusesArguments(argument: String, message: String) throws {
    let error = try diagnostic {
      try read(#"{"architecture": "vit_base_patch16_dinov3", "model_args": {\#(argument)}}"#)
    }
    #expect(error.message == message)
  }
}
