/// A variant, before its family's traits are added.
struct TransformerRow {
  var name: String
  var size: TransformerSize
  var patch, image: Int
  var cropFraction: Double
  var traits: TransformerTraits
  var classes: Int?
  var paper: String?

  init(
    _ name: String, _ size: TransformerSize, _ patch: Int, _ image: Int, _ cropFraction: Double,
    _ traits: TransformerTraits = [], classes: Int? = nil, paper: String? = nil
  ) {
    self.name = name
    self.size = size
    self.patch = patch
    self.image = image
    self.cropFraction = cropFraction
    self.traits = traits
    self.classes = classes
    self.paper = paper
  }
}

extension TransformerRow {
  /// The model, before its family makes it its own.
  func model(_ common: TransformerTraits, classes: Int) -> VisionTransformer {
    let all = common.union(traits)
    var model = VisionTransformer(
      name: name, image: image, patch: patch, dim: size.dim, depth: size.depth,
      heads: size.heads, mlpHidden: size.mlpHidden, classes: self.classes ?? classes)
    model.layerScale = all.contains(.layerScale)
    model.qkvBias = !all.contains(.noQKVBias)
    model.hasClassToken = !all.contains(.noClassToken)
    model.hasDistillationToken = all.contains(.distilled)
    model.registerTokens = all.contains(.registers4) ? 4 : all.contains(.registers1) ? 1 : 0
    model.positionPrefix = all.contains(.patchPositions) ? 0 : model.prefixTokens
    model.poolNorm = all.contains(.poolNorm)
    model.finalNorm = !model.poolNorm && !all.contains(.noFinalNorm)
    if all.contains(.averagePooled) { model.pooling = .average }
    if all.contains(.distilled) { model.pooling = .distilled }
    if all.contains(.mapPooled) { model.pooling = .attention }
    if all.contains(.clip) {
      model.preNorm = true
      model.patchBias = false
      model.layerNormEpsilon = 1e-5
    }
    if all.contains(.quickGELU) { model.activation = .quickGelu }
    if all.contains(.tanhGELU) { model.activation = .geluTanh }
    if all.contains(.gated) {
      model.feedForward = .gated
      model.activation = .silu
    }
    if all.contains(.bilinearPositions) { model.positionResize = .bilinear }
    let constants = traits.constants ?? common.constants ?? Preprocessing.half
    model.preprocessing = .timm(
      height: image, width: image, cropFraction: cropFraction,
      mode: all.contains(.squash) ? .squash : .center,
      filter: all.contains(.bilinear) ? .bilinear : .bicubic, mean: constants.mean,
      deviation: constants.deviation)
    return model
  }
}

extension TransformerFamily {
  typealias Row = TransformerRow

  /// The variants of a table: what all of its rows have, then a row for each.
  static func rows(
    _ traits: TransformerTraits, classes: Int, _ rows: [TransformerRow]
  ) -> [Variant] {
    rows.map { row in
      Variant(Self(row.model(traits, classes: classes)), paperName: row.paper)
    }
  }
}
