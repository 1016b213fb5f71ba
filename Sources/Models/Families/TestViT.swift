/// timm's own test models.
struct TestViT: TransformerFamily {
  static let title = "test"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { .jaxViT(model) }

  static let variants = rows(
    [.halfMean], classes: 1000,
    [
      Row("test_vit", .test, 16, 160, 0.95),
      Row("test_vit2", .test8, 16, 160, 0.95, [.pooled, .layerScale, .registers1, .poolNorm]),
    ])
}
