/// EVA-L, as timm's ViT class runs it.
///
/// `features` is the mean of the patches, with a norm after it.
///
/// Reference: Fang et al. 2022, arXiv:2211.07636.
struct EVA: TransformerFamily {
  static let title = "eva"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { .none }

  static let variants = rows(
    [.averagePooled, .poolNorm, .clipMean], classes: 1000,
    [
      Row("eva_large_patch14_196", .large, 14, 196, 1),
      Row("eva_large_patch14_336", .large, 14, 336, 1, [.squash]),
    ])
}
