import Diagnostics
import IR

/// timm's `NaFlexVit`, compiled for the grid of one image size: patches projected as rows,
/// positions of the patches alone, resized to any grid.
///
/// `features` is what feeds the head: the mean of the patches, a learned query's vector (`map`), of
/// RADIO's the class token. As timm takes images, not as it takes rows of patches with a mask: of
/// one size nothing need be masked.
///
/// Reference: timm 1.0.31, naflexvit.py; Tschannen et al. 2025, arXiv:2502.14786 (NaFlex), Dehghani
/// et al. 2023, arXiv:2307.06304 (factorized positions).
struct NaFlexViT: TransformerFamily {
  static let title = "naflexvit"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  /// Files of transformers' SigLIP 2 are read as `siglip2`, RADIO's as `radio`.
  var storedNames: StoredNames { .none }

  func arithmetic(under convention: NumericsConvention) -> TransformerArithmetic {
    var arithmetic = TransformerArithmetic.vit(convention)
    arithmetic.gelu = model.activation
    arithmetic.positionResize = model.positionResize
    return arithmetic
  }

  /// The table has its own grid, whatever the image.
  mutating func adapt(to stored: inout StoredModel) throws(Diagnostic) {}

  static let variants = means + queries + siglip + radio

  /// Pooled by the mean of the patches, four registers before them.
  private static let means = [
    variant(gap("naflexvit_base_patch16_gap", .base)),
    variant(gap("naflexvit_base_patch16_par_gap", .base), fit: .croppedSquare),
    variant(
      gap("naflexvit_base_patch16_parfac_gap", .base), fit: .croppedSquare, storage: .axes),
    variant(
      Row(
        "naflexvit_so150m2_patch16_reg1_gap", .so150m2, 16, 384, 1,
        [.noQKVBias, .layerScale, .registers1, .averagePooled, .poolNorm])),
  ]

  private static func gap(_ name: String, _ size: TransformerSize) -> Row {
    Row(name, size, 16, 384, 1, [.layerScale, .registers4, .averagePooled, .poolNorm])
  }

  /// Pooled by a learned query.
  private static let queries = [
    variant(
      Row(
        "naflexvit_base_patch16_map", .base, 16, 384, 1, [.layerScale, .registers1, .mapPooled])),
    variant(
      Row(
        "naflexvit_so150m2_patch16_reg1_map", .so150m2, 16, 384, 1,
        [.noQKVBias, .layerScale, .registers1, .mapPooled])),
  ]

  /// SigLIP 2's.
  private static let siglip = [
    variant(
      Row("naflexvit_base_patch16_siglip", .base, 16, 384, 1, [.mapPooled, .tanhGELU], classes: 0),
      resize: .bilinearAntialiased),
    variant(
      Row(
        "naflexvit_so400m_patch16_siglip", .so400m, 16, 384, 1, [.mapPooled, .tanhGELU],
        classes: 0), resize: .bilinearAntialiased),
  ]

  /// C-RADIO's; each keeps the resize of the code that came with its weights.
  private static let radio = [
    radio("naflexvit_base_patch16_radio_v3", .base, registers: 7, [.layerScale], .bilinearCorners),
    radio("naflexvit_large_patch16_radio_v3", .large, registers: 7, [.layerScale], .bilinear),
    radio("naflexvit_huge_patch16_radio_v3", .huge, registers: 7, [], .bilinearCorners),
    radio("naflexvit_giant_patch16_radio_v3", .giant24Heads, registers: 7, [], .bilinear),
    radio("naflexvit_so400m_patch16_radio_v4", .so400m, registers: 9, [], .bilinear),
    radio("naflexvit_huge_patch16_radio_v4", .huge, registers: 9, [], .bilinear),
  ]

  private static func radio(
    _ name: String, _ size: TransformerSize, registers: Int, _ traits: TransformerTraits,
    _ resize: ResizeMethod
  ) -> Variant {
    let row = Row(
      name, size, 16, 512, 1, traits.union([.noFinalNorm, .clipMean]), classes: 0)
    return variant(
      row, hasClassToken: true, registers: registers, resize: resize, side: 128,
      fit: .croppedSquare)
  }

  private static func variant(
    _ row: Row, hasClassToken: Bool = false, registers: Int? = nil,
    resize: ResizeMethod = .bicubicAntialiased, side: Int = 16, fit: PositionTable.Fit = .grid,
    storage: PositionTable.Storage = .grid
  ) -> Variant {
    var model = row.model([.patchPositions, .halfMean], classes: 1000)
    model.timmClass = .naFlex
    // What the architectures of means say themselves.
    if model.poolNorm { model.lastNorms.pooled = true }
    if row.size.mlpHidden == TransformerSize.so400m.mlpHidden, row.traits.contains(.mapPooled) {
      model.mlpRatio = 3.7362
    }
    model.patchLayout = .channelsLast
    model.hasClassToken = hasClassToken
    model.registerTokens = registers ?? model.registerTokens
    model.positionPrefix = 0
    model.positionGrid = [side, side]
    model.positionResize = resize
    model.positionFit = fit
    model.positionStorage = storage
    return Variant(NaFlexViT(model), paperName: row.paper)
  }
}
