extension VariantTable {
  /// How a variant differs from a plain ViT.
  struct Traits: OptionSet {
    var rawValue: Int

    /// A learned factor for each channel of each branch.
    static let layerScale = Traits(rawValue: 1 << 0)
    static let noQKVBias = Traits(rawValue: 1 << 1)
    static let noClassToken = Traits(rawValue: 1 << 2)
    /// The head reads the mean of the patch tokens.
    static let averagePooled = Traits(rawValue: 1 << 3)
    /// No class token; the head reads the mean of the patch tokens.
    static let pooled: Traits = [.noClassToken, .averagePooled]
    /// A norm after the pooling instead of the one before it.
    static let poolNorm = Traits(rawValue: 1 << 4)
    /// Neither norm.
    static let noFinalNorm = Traits(rawValue: 1 << 5)
    static let registers1 = Traits(rawValue: 1 << 6)
    static let registers4 = Traits(rawValue: 1 << 7)
    /// Only patches have positions.
    static let patchPositions = Traits(rawValue: 1 << 8)
    /// A distillation token with a head of its own.
    static let distilled = Traits(rawValue: 1 << 9)
    /// A norm before the first block, no bias in the patch embedding, epsilon 1e-5.
    static let clip = Traits(rawValue: 1 << 10)
    static let quickGELU = Traits(rawValue: 1 << 11)
    static let tanhGELU = Traits(rawValue: 1 << 12)
    /// The MLP is fc2(silu(g) · u).
    static let gated = Traits(rawValue: 1 << 13)
    /// Positions are resized bilinearly.
    static let bilinearPositions = Traits(rawValue: 1 << 14)
    /// Images are resized without regard to their aspect.
    static let squash = Traits(rawValue: 1 << 15)
    /// Images are resized bilinearly.
    static let bilinear = Traits(rawValue: 1 << 16)
    /// Which constants normalize the input; a row's own come before its family's.
    static let halfMean = Traits(rawValue: 1 << 17)
    static let imageNetMean = Traits(rawValue: 1 << 18)
    static let clipMean = Traits(rawValue: 1 << 19)
    static let unitMean = Traits(rawValue: 1 << 20)

    /// Mean and standard deviation, if these traits choose any.
    var constants: (mean: [Double], deviation: [Double])? {
      if contains(.halfMean) { return Preprocessing.half }
      if contains(.imageNetMean) { return Preprocessing.imageNet }
      if contains(.clipMean) { return Preprocessing.clip }
      if contains(.unitMean) { return Preprocessing.unit }
      return nil
    }
  }
}

extension VariantTable.Row {
  func variant(family: String, traits common: VariantTable.Traits, classes: Int) -> Variant {
    let all = common.union(traits)
    var model = ViTConfiguration(
      name: name, family: family, image: image, patch: patch, dim: size.dim, depth: size.depth,
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
      mode: all.contains(.squash) ? .exact : .shortestEdge,
      filter: all.contains(.bilinear) ? .bilinear : .bicubic, mean: constants.mean,
      deviation: constants.deviation)
    return Variant(name: name, paperName: paper, configuration: model)
  }
}
