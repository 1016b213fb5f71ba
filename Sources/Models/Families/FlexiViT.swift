/// FlexiViT at its default patch size: positions for the patches alone.
///
/// `features` is the class token.
///
/// Reference: Beyer et al. 2022, arXiv:2212.08013.
struct FlexiViT: TransformerFamily {
  static let title = "flexivit"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { .jaxViT(model) }

  static let variants = rows(
    [.patchPositions, .bilinearPositions, .halfMean], classes: 1000,
    [
      Row("flexivit_small", .small, 16, 240, 0.95),
      Row("flexivit_base", .base, 16, 240, 0.95),
      Row("flexivit_large", .large, 16, 240, 0.95),
    ])
}
