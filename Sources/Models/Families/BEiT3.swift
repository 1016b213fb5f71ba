/// The image encoders of BEiT-3: norms inside attention and inside the MLP, epsilon 1e-5.
///
/// `features` is the mean of the patches, with a norm after it.
///
/// Reference: Wang et al. 2022, arXiv:2208.10442.
struct BEiT3: TransformerFamily {
  static let title = "beit3"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { .none }

  static let variants = [
    Row("beit3_base_patch16_224", .base, 16, 224, 1, paper: "BEiT3-B/16"),
    Row("beit3_large_patch16_224", .large, 16, 224, 1, paper: "BEiT3-L/16"),
    Row("beit3_giant_patch14_224", .giant, 14, 224, 1, paper: "BEiT3-g/14"),
    Row("beit3_giant_patch14_336", .giant, 14, 336, 1, paper: "BEiT3-g/14-336"),
  ].map { row in
    var model = row.model([.averagePooled, .poolNorm, .imageNetMean], classes: 1000)
    model.layerNormEpsilon = 1e-5
    model.attentionNorm = true
    model.mlpNorm = true
    return Variant(BEiT3(model), paperName: row.paper)
  }
}
