/// DeiT III: LayerScale, positions for the patches alone.
///
/// `features` is the class token.
///
/// Reference: Touvron et al. 2022, arXiv:2204.07118.
struct DeiT3: TransformerFamily {
  static let title = "deit3"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { .none }

  static let variants = rows(
    [.layerScale, .patchPositions, .imageNetMean], classes: 1000,
    [
      Row("deit3_small_patch16_224", .small, 16, 224, 0.9, paper: "DeiT-III-S/16"),
      Row("deit3_small_patch16_384", .small, 16, 384, 1, paper: "DeiT-III-S/16-384"),
      Row("deit3_medium_patch16_224", .medium, 16, 224, 0.9, paper: "DeiT-III-M/16"),
      Row("deit3_base_patch16_224", .base, 16, 224, 0.9, paper: "DeiT-III-B/16"),
      Row("deit3_base_patch16_384", .base, 16, 384, 1, paper: "DeiT-III-B/16-384"),
      Row("deit3_large_patch16_224", .large, 16, 224, 0.9, paper: "DeiT-III-L/16"),
      Row("deit3_large_patch16_384", .large, 16, 384, 1, paper: "DeiT-III-L/16-384"),
      Row("deit3_huge_patch14_224", .huge, 14, 224, 0.9, paper: "DeiT-III-H/14"),
    ])
}
