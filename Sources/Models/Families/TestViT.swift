/// timm's own test models.
struct TestViT: TransformerFamily {
  static let title = "test"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { .jaxViT(model) }

  static let variants =
    plain + [
      variant(
        Row("test_vit3", .test9, 16, 160, 0.95, [.mapPooled, .layerScale, .registers1])
      ) { $0.poolsPrefix = true },
      variant(
        Row(
          "test_vit4", .test9Wide, 16, 160, 0.95, [.pooled, .poolNorm, .layerScale, .registers1])
      ) { $0.normKind = .rootMeanSquare },
    ]

  private static func variant(
    _ row: Row, _ change: (inout VisionTransformer) -> Void
  ) -> Variant {
    var model = row.model([.halfMean], classes: 1000)
    change(&model)
    return Variant(TestViT(model), paperName: row.paper)
  }

  private static let plain = rows(
    [.halfMean], classes: 1000,
    [
      Row("test_vit", .test, 16, 160, 0.95),
      Row("test_vit2", .test8, 16, 160, 0.95, [.pooled, .layerScale, .registers1, .poolNorm]),
    ])
}
