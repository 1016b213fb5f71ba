/// Perception Encoder, in timm's form: a norm before the first block, patches without bias, a
/// position table and rotations of neighbouring columns, columns of the grid first; epsilon 1e-5.
///
/// Of the core models `features` is what a learned query of 8 heads gathers from all tokens, and
/// the head is the projection. Of the others it is the mean of the patches, without any norm: for
/// dense tasks take `tokens`.
///
/// Reference: Bolya et al. 2025, arXiv:2504.13181.
struct PerceptionEncoder: TransformerFamily {
  static let title = "pe"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { .none }

  static let variants =
    [
      core(
        Row(
          "vit_pe_core_tiny_patch16_384", .tiny, 16, 384, 1, classes: 512,
          paper: "PE-core-T/16")),
      core(
        Row(
          "vit_pe_core_small_patch16_384", .small, 16, 384, 1, classes: 512,
          paper: "PE-core-S/16")),
      core(
        Row(
          "vit_pe_core_base_patch16_224", .base, 16, 224, 1, classes: 1024, paper: "PE-core-B/16")),
      core(
        Row(
          "vit_pe_core_large_patch14_336", .large, 14, 336, 1, classes: 1024,
          paper: "PE-core-L/14")),
      core(
        Row(
          "vit_pe_core_gigantic_patch14_448", .giant50, 14, 448, 1, [.noClassToken], classes: 1280,
          paper: "PE-core-G/14")),
    ] + [
      dense(Row("vit_pe_spatial_tiny_patch16_512", .tiny, 16, 512, 1, paper: "PE-spatial-T/16")),
      dense(Row("vit_pe_spatial_small_patch16_512", .small, 16, 512, 1, paper: "PE-spatial-S/16")),
      dense(Row("vit_pe_spatial_base_patch16_512", .base, 16, 512, 1, paper: "PE-spatial-B/16")),
      dense(Row("vit_pe_spatial_large_patch14_448", .large, 14, 448, 1, paper: "PE-spatial-L/14")),
      dense(
        Row(
          "vit_pe_spatial_gigantic_patch14_448", .giant50, 14, 448, 1,
          [.noClassToken, .layerScale], paper: "PE-spatial-G/14")),
      dense(
        Row(
          "vit_pe_lang_large_patch14_448", .large23, 14, 448, 1, [.layerScale],
          paper: "PE-lang-L/14")),
      dense(
        Row(
          "vit_pe_lang_gigantic_patch14_448", .giant47, 14, 448, 1, [.noClassToken, .layerScale],
          paper: "PE-lang-G/14")),
    ]

  private static func core(_ row: Row) -> Variant {
    var model = common(row)
    model.pooling = .attention
    model.poolsPrefix = true
    model.poolHeads = 8
    model.poolRatio = 4
    model.placeLastNorms()
    return Variant(PerceptionEncoder(model), paperName: row.paper)
  }

  private static func dense(_ row: Row) -> Variant {
    var model = common(row)
    model.pooling = .average
    model.lastNorms = LastNorms(tokens: false, pooled: false)
    model.placeLastNorms()
    return Variant(PerceptionEncoder(model), paperName: row.paper)
  }

  private static func common(_ row: Row) -> VisionTransformer {
    // CLIP's form before the blocks.
    var model = row.model([.clip, .halfMean], classes: 0)
    model.timmClass = .eva
    // Those with a class token count rows and columns from 1.
    model.rotary = RotaryPositions(
      base: 10000, coordinates: .indexed, reference: model.grid,
      offset: model.hasClassToken ? 1 : 0, columnsFirst: true, turnsNeighbours: true)
    return model
  }
}
