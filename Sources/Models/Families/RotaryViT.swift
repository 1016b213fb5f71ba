/// ViTs that turn queries and keys by the positions of the patches: by powers of a base, or by
/// frequencies that each block and head has learned; some with a table that is added (`ape`).
///
/// `features` is the class token; of the models with registers and without a class token the mean
/// of the patches, with a norm after it.
///
/// Reference: Heo et al. 2024, arXiv:2403.13298.
struct RotaryViT: TransformerFamily {
  static let title = "rope"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { .none }

  static let variants = axial + mixed + pooled

  private static let axial = [
    variant(Row("vit_small_patch16_rope_224", .small, 16, 224, 0.9, paper: "RoPE-S/16")),
    variant(Row("vit_small_patch16_rope_ape_224", .small, 16, 224, 0.9), hasTable: true),
    // The norm of what is pooled is refused in words, as the others' pooling refuses it.
    variant(Row("vit_base_patch16_rope_224", .base, 16, 224, 0.9, paper: "RoPE-B/16")) {
      $0.lastNorms.pooled = false
    },
    variant(Row("vit_base_patch16_rope_ape_224", .base, 16, 224, 0.9), hasTable: true),
    variant(Row("vit_large_patch16_rope_224", .large, 16, 224, 0.9, paper: "RoPE-L/16")),
    variant(Row("vit_large_patch16_rope_ape_224", .large, 16, 224, 0.9), hasTable: true),
  ]

  private static let mixed = [
    variant(
      Row("vit_small_patch16_rope_mixed_224", .small, 16, 224, 0.9, paper: "RoPE-mixed-S/16"),
      learned),
    variant(
      Row("vit_small_patch16_rope_mixed_ape_224", .small, 16, 224, 0.9), hasTable: true, learned),
    variant(
      Row("vit_base_patch16_rope_mixed_224", .base, 16, 224, 0.9, paper: "RoPE-mixed-B/16"),
      learned),
    variant(
      Row("vit_base_patch16_rope_mixed_ape_224", .base, 16, 224, 0.9), hasTable: true, learned),
    variant(
      Row("vit_large_patch16_rope_mixed_224", .large, 16, 224, 0.9, paper: "RoPE-mixed-L/16"),
      learned),
    variant(
      Row("vit_large_patch16_rope_mixed_ape_224", .large, 16, 224, 0.9), hasTable: true, learned),
  ]

  /// Registers, no class token.
  private static let pooled = [
    averaged(Row("vit_medium_patch16_rope_reg1_gap_256", .medium, 16, 256, 0.95, [.registers1])),
    averaged(
      Row(
        "vit_mediumd_patch16_rope_reg1_gap_256", .mediumDeep, 16, 256, 0.95,
        [.registers1, .noQKVBias])),
    averaged(
      Row(
        "vit_betwixt_patch16_rope_reg4_gap_256", .betwixt, 16, 256, 0.95,
        [.registers4, .clipMean])),
    averaged(Row("vit_base_patch16_rope_reg1_gap_256", .base, 16, 256, 0.95, [.registers1])),
  ]

  private static func variant(
    _ row: Row, hasTable: Bool = false, _ change: (inout VisionTransformer) -> Void = { _ in }
  ) -> Variant {
    var model = row.model([.layerScale, .patchPositions, .imageNetMean], classes: 1000)
    model.timmClass = .eva
    model.hasPositionTable = hasTable
    model.rotary = RotaryPositions(
      base: 100, coordinates: .indexed, columnsFirst: true, turnsNeighbours: true)
    change(&model)
    model.placeLastNorms()
    return Variant(RotaryViT(model), paperName: row.paper)
  }

  private static func learned(_ model: inout VisionTransformer) {
    model.rotary?.angles = .learned
    model.rotary?.base = 10
  }

  private static func averaged(_ row: Row) -> Variant {
    var model = row.model([.layerScale, .noClassToken, .patchPositions, .halfMean], classes: 1000)
    model.timmClass = .eva
    model.projections = .biasesApart
    model.attentionBiases = [.query, .value]
    model.pooling = .average
    model.hasPositionTable = false
    model.rotary = RotaryPositions(
      base: 10000, coordinates: .indexed, reference: [16, 16], turnsNeighbours: true)
    model.placeLastNorms()
    return Variant(RotaryViT(model), paperName: row.paper)
  }
}
