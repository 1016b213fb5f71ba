/// EVA: the large ones as timm's ViT class runs them, the giants by its class `Eva`, which keeps
/// biases of queries and values beside a common weight.
///
/// `features` is the mean of the patches, with a norm after it; of the one trained as CLIP, whose
/// head is the projection, the normalized class token.
///
/// Reference: Fang et al. 2022, arXiv:2211.07636, and Sun et al. 2023, arXiv:2303.15389.
struct EVA: TransformerFamily {
  static let title = "eva"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { StoredNames(unreadOfTimm: ["lm_head"]) }

  static let variants = large + giant

  private static let large = rows(
    [.averagePooled, .poolNorm, .clipMean], classes: 1000,
    [
      Row("eva_large_patch14_196", .large, 14, 196, 1),
      Row("eva_large_patch14_336", .large, 14, 336, 1, [.squash]),
    ])

  private static let giant = [
    giant(Row("eva_giant_patch14_224", .giant, 14, 224, 0.9), .average),
    giant(Row("eva_giant_patch14_336", .giant, 14, 336, 1, [.squash]), .average),
    giant(Row("eva_giant_patch14_560", .giant, 14, 560, 1, [.squash, .imageNetMean]), .average),
    giant(
      Row(
        "eva_giant_patch14_clip_224", .giant, 14, 224, 0.9, classes: 1024, paper: "EVA-CLIP-g/14"),
      .token),
  ]

  private static func giant(_ row: Row, _ pooling: TokenPooling) -> Variant {
    var model = row.model([.clipMean], classes: 1000)
    model.timmClass = .eva
    model.projections = .biasesApart
    model.attentionBiases = [.query, .value]
    model.pooling = pooling
    model.placeLastNorms()
    return Variant(EVA(model), paperName: row.paper)
  }
}
