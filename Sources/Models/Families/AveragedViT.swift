/// ViTs without a class token.
///
/// `features` is the mean of the normalized tokens.
struct AveragedViT: TransformerFamily {
  static let title = "gap"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { .jaxViT(model) }

  static let variants = rows(
    [.pooled, .halfMean], classes: 1000,
    [
      Row(
        "vit_medium_patch16_gap_240", .medium, 16, 240, 0.95, [.noQKVBias, .layerScale],
        classes: 11821),
      Row("vit_medium_patch16_gap_256", .medium, 16, 256, 0.95, [.noQKVBias, .layerScale]),
      Row(
        "vit_medium_patch16_gap_384", .medium, 16, 384, 0.95, [.noQKVBias, .layerScale, .squash]),
      Row("vit_betwixt_patch16_gap_256", .betwixt, 16, 256, 0.95, [.noQKVBias, .layerScale]),
      Row("vit_base_patch16_gap_224", .base16Heads, 16, 224, 0.9),
      Row(
        "vit_huge_patch16_gap_448", .huge, 16, 448, 1, [.imageNetMean], classes: 0,
        paper: "ViT-H/16-gap-448"),
      Row(
        "vit_huge_patch14_gap_224", .huge, 14, 224, 0.9, [.imageNetMean], classes: 0,
        paper: "ViT-H/14-gap"),
      Row(
        "vit_giant_patch16_gap_224", .giant, 16, 224, 0.9, [.imageNetMean], classes: 0,
        paper: "ViT-g/16-gap"),
    ])
}
