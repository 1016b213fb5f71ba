/// timm's ViTs with register tokens and without a class token.
///
/// `features` is the mean of the patches, with a norm after it (in `so150m`, before it); in
/// `so150m…map`, what a learned query gathers from them.
struct RegisterViT: TransformerFamily {
  static let title = "reg_gap"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { .none }

  static let variants = registerAveraged + so150m2 + so150m + so150mMap

  /// Register tokens without positions; the mean of the patches, then a norm.
  private static let registerAveraged = rows(
    [.pooled, .poolNorm, .patchPositions, .halfMean], classes: 1000,
    [
      Row("vit_wee_patch16_reg1_gap_256", .wee, 16, 256, 0.95, [.layerScale, .registers1]),
      Row("vit_little_patch16_reg1_gap_256", .little, 16, 256, 0.95, [.layerScale, .registers1]),
      Row("vit_little_patch16_reg4_gap_256", .little, 16, 256, 0.95, [.layerScale, .registers4]),
      Row("vit_medium_patch16_reg1_gap_256", .medium, 16, 256, 0.95, [.layerScale, .registers1]),
      Row("vit_medium_patch16_reg4_gap_256", .medium, 16, 256, 0.95, [.layerScale, .registers4]),
      Row(
        "vit_mediumd_patch16_reg4_gap_256", .mediumDeep, 16, 256, 0.95, [.layerScale, .registers4]),
      Row("vit_mediumd_patch16_reg4_gap_384", .mediumDeep, 16, 384, 1, [.layerScale, .registers4]),
      Row("vit_betwixt_patch16_reg1_gap_256", .betwixt, 16, 256, 0.95, [.layerScale, .registers1]),
      Row("vit_betwixt_patch16_reg4_gap_256", .betwixt, 16, 256, 0.95, [.layerScale, .registers4]),
      Row("vit_betwixt_patch16_reg4_gap_384", .betwixt, 16, 384, 1, [.layerScale, .registers4]),
      Row("vit_base_patch16_reg4_gap_256", .base, 16, 256, 0.9, [.registers4]),
    ])

  /// Shape-optimized, 150 M, second edition.
  private static let so150m2 = rows(
    [.pooled, .poolNorm, .noQKVBias, .layerScale, .registers1, .halfMean], classes: 1000,
    [
      Row("vit_so150m2_patch16_reg1_gap_256", .so150m2, 16, 256, 1),
      Row("vit_so150m2_patch16_reg1_gap_384", .so150m2, 16, 384, 1),
      Row("vit_so150m2_patch16_reg1_gap_448", .so150m2, 16, 448, 1, [.squash]),
    ])

  /// Shape-optimized, 150 M: registers with positions, final norm, then the mean.
  private static let so150m = rows(
    [.pooled, .registers4, .halfMean], classes: 1000,
    [
      Row("vit_so150m_patch16_reg4_gap_256", .so150m, 16, 256, 0.95),
      Row("vit_so150m_patch16_reg4_gap_384", .so150m, 16, 384, 1),
    ])

  /// The same, pooled by attention.
  private static let so150mMap = rows(
    [.mapPooled, .registers4, .halfMean], classes: 1000,
    [Row("vit_so150m_patch16_reg4_map_256", .so150m, 16, 256, 0.9)])
}
