/// The image encoders of TIPS v2: LayerScale, one register token, positions for the patches alone.
///
/// `features` is the class token.
///
/// Reference: Maninis et al. 2024, arXiv:2410.16512.
struct TIPS: TransformerFamily {
  static let title = "tips"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { .none }

  static let variants = rows(
    [.layerScale, .registers1, .patchPositions, .unitMean], classes: 0,
    [
      Row("vit_base_patch14_reg1_tipsv2", .base, 14, 448, 1),
      Row("vit_large_patch14_reg1_tipsv2", .large, 14, 448, 1),
      Row("vit_so400m_patch14_reg1_tipsv2", .so400m, 14, 448, 1),
      Row("vit_giant_patch14_reg1_tipsv2", .giantGated, 14, 448, 1, [.gated]),
    ])
}
