/// timm's ViTs whose blocks have another form: two attentions and two MLPs beside each other
/// (`18x2`), attention beside the MLP (`xp`, `pwee`), norms after the branches (`rpn`), heads that
/// are differences of two (`dwee`, `dlittle`, and beside the MLP `dpwee`).
///
/// `features` is the class token; of those without one the mean of the patches, with a norm after
/// it.
///
/// Reference: Touvron et al. 2022, arXiv:2203.09795; Dehghani et al. 2023, arXiv:2302.05442; Ye et
/// al. 2024, arXiv:2410.05258.
struct BlockVariantViT: TransformerFamily {
  static let title = "blocks"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { .none }

  static let variants =
    [
      variant(Row("vit_small_patch16_18x2_224", .small18, 16, 224, 0.9, [.layerScale]), twofold),
      variant(Row("vit_base_patch16_18x2_224", .base18, 16, 224, 0.9, [.layerScale]), twofold),
      variant(Row("vit_base_patch16_rpn_224", .base, 16, 224, 0.9, [averaged, .noQKVBias])) {
        $0.normsFollow = true
        $0.positionPrefix = $0.prefixTokens
      },
      variant(Row("vit_base_patch16_xp_224", .base, 16, 224, 0.9), wide),
      variant(Row("vit_large_patch14_xp_224", .large, 14, 224, 0.9), wide),
      variant(Row("vit_huge_patch14_xp_224", .huge, 14, 224, 0.9), wide),
    ] + [
      variant(Row("vit_pwee_patch16_reg1_gap_256", .wee16, 16, 256, 0.95, registered)) {
        $0.blockForm = .parallel
      },
      variant(Row("vit_dpwee_patch16_reg1_gap_256", .wee16, 16, 256, 0.95, registered)) {
        $0.blockForm = .parallelJoined
        $0.isDifferential = true
      },
      variant(Row("vit_dwee_patch16_reg1_gap_256", .wee, 16, 256, 0.95, registered)) {
        $0.isDifferential = true
      },
      variant(Row("vit_dlittle_patch16_reg1_gap_256", .little, 16, 256, 0.95, registered)) {
        $0.isDifferential = true
      },
    ]

  private static let averaged: TransformerTraits = [.pooled, .poolNorm]
  private static let registered: TransformerTraits = [
    .pooled, .poolNorm, .patchPositions, .registers1, .layerScale,
  ]

  private static func variant(
    _ row: Row, _ change: (inout VisionTransformer) -> Void
  ) -> Variant {
    var model = row.model([.halfMean], classes: 1000)
    change(&model)
    return Variant(BlockVariantViT(model), paperName: row.paper)
  }

  private static func twofold(_ model: inout VisionTransformer) { model.blockForm = .branched(2) }

  /// As ViT-22B: also RMS norms, norms of queries and keys, no biases of queries, keys and values.
  private static func wide(_ model: inout VisionTransformer) {
    model.blockForm = .parallel
    model.normKind = .rootMeanSquare
    model.queryKeyNorm = true
    model.qkvBias = false
    model.preNorm = true
    model.patchBias = false
    model.positionPrefix = 0
  }
}
