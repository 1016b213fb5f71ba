import Testing

@testable import Models

/// Arguments of timm's class `VisionTransformer` whose meaning depends on the architecture.
@Suite struct TimmArgumentsTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// What timm makes of `init_values`: factors of the branches, but for 0 and for norms after them.
  @Test(arguments: [
    ("vit_base_patch16_224", "1e-5", true), ("vit_small_patch14_dinov2", "null", false),
    ("vit_small_patch14_dinov2", "0.0", false), ("vit_base_patch16_rpn_224", "1e-5", false),
  ])
  func readsInitialScales(architecture: String, value: String, isScaled: Bool) throws {
    try folder.write(
      "config.json",
      #"{"architecture": "\#(architecture)", "model_args": {"init_values": \#(value)}}"#)
    #expect(try transformer(ModelFolder(path: folder.url.path).model).layerScale == isScaled)
  }
}
