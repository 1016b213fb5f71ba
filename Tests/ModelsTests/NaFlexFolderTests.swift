import Foundation
import IR
import Testing

@testable import Models

/// Arguments of timm's class `NaFlexVit`; the goldens hold what such folders compute.
@Suite struct NaFlexFolderTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(_ arguments: String) throws -> VisionTransformer {
    try folder.write(
      "config.json",
      #"{"architecture": "naflexvit_base_patch16_gap", "model_args": {\#(arguments)}}"#)
    return try transformer(ModelFolder(path: folder.url.path).model)
  }

  @Test func readsTheArchitecture() throws {
    let model = try read("")
    #expect(model.imageHeight == 384 && model.positionGrid == [16, 16])
    #expect(!model.hasClassToken && model.registerTokens == 4 && model.prefixTokens == 4)
    #expect(model.patchLayout == .channelsLast && model.poolNorm && !model.finalNorm)
  }

  /// What timm's class makes of its arguments: the norm stays where the architecture put it.
  @Test func appliesArguments() throws {
    let model = try read(
      #""global_pool": "map", "init_values": null, "pos_embed": "factorized", "#
        + #""pos_embed_grid_size": [4, 6], "embed_proj_type": "linear", "#
        + #""patchify_channels_last": false, "pos_embed_interp_mode": "bilinear", "#
        + #""pos_embed_antialias": false"#)
    #expect(model.pooling == .attention && model.poolNorm && !model.layerScale)
    #expect(model.positionStorage == .axes && model.positionGrid == [4, 6])
    #expect(model.patchLayout == .channelsFirst && model.positionResize == .bilinear)
  }

  @Test(arguments: [
    (
      #""global_pool": "max""#, "unknown 'global_pool' 'max'"
    ),
    (
      #""pos_embed": "rope""#, "unknown 'model_args.pos_embed' 'rope'"
    ),
    (
      #""pool_include_prefix": true"#,
      "'model_args.pool_include_prefix' goes with the pooling 'map' alone"
    ),
    (
      #""pos_embed_align_corners": true"#,
      "positions are resized 'bicubic' with antialias and with corners on corners, which vitc does "
        + "not support"
    ),
    (
      #""rope_type": "axial""#,
      "'model_args.rope_type' is the string \"axial\", which vitc does not support"
    ),
    (
      #""global_pool": "token""#, "pooling is 'token', but there is no class token"
    ),
  ])
  func refuses(arguments: String, message: String) throws {
    let error = try diagnostic { try read(arguments) }
    #expect(error.message.hasSuffix(message), "\(error.message)")
  }
}
