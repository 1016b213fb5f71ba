import IR

/// C-RADIO, in timm's form: 7 or 9 registers, positions for the patches alone, no final norm; base
/// and large of the third edition have LayerScale.
///
/// `features` is the class token. Another size's positions are resized bilinearly, as timm does
/// with its own files.
///
/// Reference: Heinrich et al. 2024, arXiv:2412.07679.
struct RADIO: TransformerFamily {
  static let title = "radio"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { .none }

  /// Each keeps its own resize: the code that came with its weights decides.
  func arithmetic(under convention: NumericsConvention) -> TransformerArithmetic {
    var arithmetic = TransformerArithmetic.vit(convention)
    arithmetic.positionResize = model.positionResize
    return arithmetic
  }

  static let variants = [
    variant(
      Row("vit_base_patch16_radio_v3", .base, 16, 512, 1, [.layerScale], paper: "C-RADIOv3-B/16"),
      registers: 7, .bilinearCorners),
    variant(
      Row("vit_large_patch16_radio_v3", .large, 16, 512, 1, [.layerScale], paper: "C-RADIOv3-L/16"),
      registers: 7, .bilinear),
    variant(
      Row("vit_huge_patch16_radio_v3", .huge, 16, 512, 1, paper: "C-RADIOv3-H/16"),
      registers: 7, .bilinearCorners),
    variant(
      Row("vit_giant_patch16_radio_v3", .giant24Heads, 16, 512, 1, paper: "C-RADIOv3-g/16"),
      registers: 7, .bilinear),
    variant(
      Row("vit_so400m_patch16_radio_v4", .so400m, 16, 512, 1, paper: "C-RADIOv4-So400m/16"),
      registers: 9, .bilinear),
    variant(
      Row("vit_huge_patch16_radio_v4", .huge, 16, 512, 1, paper: "C-RADIOv4-H/16"),
      registers: 9, .bilinear),
  ]

  private static func variant(_ row: Row, registers: Int, _ resize: ResizeMethod) -> Variant {
    var model = row.model([.patchPositions, .noFinalNorm, .clipMean], classes: 0)
    model.registerTokens = registers
    model.positionResize = resize
    return Variant(RADIO(model), paperName: row.paper)
  }
}
