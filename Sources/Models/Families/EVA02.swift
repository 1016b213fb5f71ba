/// EVA-02 and the CLIP models made of it: a position table, rotations of neighbouring columns, and
/// gated MLPs.
///
/// From the base size on there is a norm inside the MLP; in the CLIP models another one inside
/// attention. The enormous one has plain MLPs, no rotations, and its norms after the branches.
///
/// `features` is the mean of the patches, with a norm after it; of the CLIP models, whose head is
/// the projection, the normalized class token.
///
/// Reference: Fang et al. 2023, arXiv:2303.11331, and Sun et al. 2023, arXiv:2303.15389.
struct EVA02: TransformerFamily {
  static let title = "eva02"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { StoredNames(unreadOfTimm: ["lm_head"]) }

  static let variants =
    [
      variant(Row("eva02_tiny_patch14_224", .gatedTiny, 14, 224, 0.9, classes: 0), packed),
      variant(Row("eva02_tiny_patch14_336", .gatedTiny, 14, 336, 1), packed),
      variant(Row("eva02_small_patch14_224", .gatedSmall, 14, 224, 0.9, classes: 0), packed),
      variant(Row("eva02_small_patch14_336", .gatedSmall, 14, 336, 1), packed),
      variant(Row("eva02_base_patch14_224", .gatedBase, 14, 224, 0.9, classes: 0), normed),
      variant(Row("eva02_base_patch14_448", .gatedBase, 14, 448, 1, [.squash]), normed),
      variant(Row("eva02_large_patch14_224", .gatedLarge, 14, 224, 0.9, classes: 0), normed),
      variant(Row("eva02_large_patch14_448", .gatedLarge, 14, 448, 1, [.squash]), normed),
    ] + [
      variant(
        Row(
          "eva02_base_patch16_clip_224", .gatedBase, 16, 224, 0.9, classes: 512,
          paper: "EVA02-CLIP-B/16"), clip),
      variant(
        Row(
          "eva02_large_patch14_clip_224", .gatedLarge, 14, 224, 0.9, classes: 768,
          paper: "EVA02-CLIP-L/14"), clip),
      variant(
        Row(
          "eva02_large_patch14_clip_336", .gatedLarge, 14, 336, 1, classes: 768,
          paper: "EVA02-CLIP-L/14-336"), clip),
      variant(
        Row(
          "eva02_enormous_patch14_clip_224", .enormous, 14, 224, 0.9, classes: 1024,
          paper: "EVA02-CLIP-E/14"), enormous),
    ]

  private static func variant(
    _ row: Row, _ change: (inout VisionTransformer) -> Void
  ) -> Variant {
    var model = row.model([.clipMean], classes: 1000)
    model.timmClass = .eva
    model.attentionBiases = [.query, .value]
    model.pooling = .average
    model.rotary = RotaryPositions(
      base: 10000, coordinates: .indexed, reference: [16, 16], turnsNeighbours: true)
    change(&model)
    model.placeLastNorms()
    return Variant(EVA02(model), paperName: row.paper)
  }

  /// Common weights of queries, keys and values, and of the two halves of the gated MLP.
  private static func packed(_ model: inout VisionTransformer) {
    model.projections = .biasesApart
    model.feedForward = .gated
    model.activation = .silu
    model.mlpRatio = gatedRatio
  }

  /// Weights apart, a norm inside the MLP.
  private static func normed(_ model: inout VisionTransformer) {
    model.projections = .apart
    model.feedForward = .gatedApart
    model.activation = .silu
    model.mlpNorm = true
    model.mlpRatio = gatedRatio
  }

  private static func clip(_ model: inout VisionTransformer) {
    normed(&model)
    model.attentionNorm = true
    model.pooling = .token
  }

  private static func enormous(_ model: inout VisionTransformer) {
    model.projections = .biasesApart
    model.rotary = nil
    model.normsFollow = true
    model.pooling = .token
  }

  /// M, as timm writes it, of which the whole part is taken: 2730 of 2730.67 in the large ones.
  private static let gatedRatio = 4.0 * 2 / 3
}
