/// InternViT: LayerScale, no final norm.
///
/// `features` is the class token.
///
/// Reference: Chen et al. 2023, arXiv:2312.14238.
struct InternViT: TransformerFamily {
  static let title = "internvit"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { .none }

  static let variants = rows(
    [.layerScale, .noFinalNorm, .imageNetMean], classes: 0,
    [
      Row("vit_intern300m_patch14_448", .large, 14, 448, 1)
    ])
}
