/// Sapiens2, for images of people, higher than wide: RMS norms, also of queries and keys, and
/// positions that turn queries and keys of the patches.
///
/// There are 8 registers, gated MLPs, and LayerScale after attention alone. But in 8 blocks at
/// either end of the larger models, keys and values have half the heads.
///
/// `features` is the normalized class token.
///
/// Angles are computed in full precision, as timm and transformers do; Meta's own code rounds them.
///
/// Reference: Khirodkar et al. 2026, arXiv:2604.21681.
struct Sapiens2: TransformerFamily {
  static let title = "sapiens2"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { .none }

  static let variants = [
    variant("vit_base_patch16_sapiens2", .base, "Sapiens2-0.1B"),
    variant("vit_large_patch16_sapiens2", .large, "Sapiens2-0.4B"),
    variant("vit_huge_patch16_sapiens2", .huge, "Sapiens2-0.8B"),
    variant("vit_giant_patch16_sapiens2", .giant24Heads, "Sapiens2-1B"),
    variant("vit_5b_patch16_sapiens2", .fiveBillion, "Sapiens2-5B"),
  ]

  private static func variant(_ name: String, _ size: TransformerSize, _ paper: String) -> Variant {
    let (height, width) = (1024, 768)
    let row = Row(name, size, 16, width, 1, [.gated, .layerScale, .patchPositions], paper: paper)
    var model = row.model([.imageNetMean, .squash, .bilinear], classes: 0)
    model.imageHeight = height
    model.positionGrid = model.grid
    model.preprocessing = .timm(
      height: height, width: width, cropFraction: 1, mode: .squash, filter: .bilinear,
      mean: Preprocessing.imageNet.0, deviation: Preprocessing.imageNet.1)
    model.timmClass = .eva
    model.projections = .apart
    model.normKind = .rootMeanSquare
    model.queryKeyNorm = true
    model.keyHeads = (0..<size.depth).map { block in
      block < 8 || block >= size.depth - 8 ? size.heads : size.heads / 2
    }
    model.scalesFeedForward = false
    model.registerTokens = 8
    model.hasPositionTable = false
    model.rotary = RotaryPositions(base: 100)
    model.lastNorms.pooled = false
    model.placeLastNorms()
    return Variant(Sapiens2(model), paperName: paper)
  }
}
