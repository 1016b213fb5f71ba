/// How a variant differs from a plain ViT.
struct TransformerTraits: OptionSet {
  var rawValue: Int

  /// A learned scale for each channel of each branch.
  static let layerScale = TransformerTraits(rawValue: 1 << 0)
  static let noQKVBias = TransformerTraits(rawValue: 1 << 1)
  static let noClassToken = TransformerTraits(rawValue: 1 << 2)
  /// The head reads the mean of the patch tokens.
  static let averagePooled = TransformerTraits(rawValue: 1 << 3)
  /// No class token; the head reads the mean of the patch tokens.
  static let pooled: TransformerTraits = [.noClassToken, .averagePooled]
  /// A norm after the pooling instead of the one before it.
  static let poolNorm = TransformerTraits(rawValue: 1 << 4)
  /// Neither norm.
  static let noFinalNorm = TransformerTraits(rawValue: 1 << 5)
  static let registers1 = TransformerTraits(rawValue: 1 << 6)
  static let registers4 = TransformerTraits(rawValue: 1 << 7)
  /// Only patches have positions.
  static let patchPositions = TransformerTraits(rawValue: 1 << 8)
  /// A distillation token with a head of its own.
  static let distilled = TransformerTraits(rawValue: 1 << 9)
  /// A norm before the first block, no bias in the patch embedding, epsilon 1e-5.
  static let clip = TransformerTraits(rawValue: 1 << 10)
  static let quickGELU = TransformerTraits(rawValue: 1 << 11)
  static let tanhGELU = TransformerTraits(rawValue: 1 << 12)
  /// The MLP is fc2(silu(g) · u).
  static let gated = TransformerTraits(rawValue: 1 << 13)
  /// Positions are resized bilinearly.
  static let bilinearPositions = TransformerTraits(rawValue: 1 << 14)
  /// Images are resized without regard to their aspect.
  static let squash = TransformerTraits(rawValue: 1 << 15)
  /// Images are resized bilinearly.
  static let bilinear = TransformerTraits(rawValue: 1 << 16)
  /// Which constants normalize the input; a row's own come before its family's.
  static let halfMean = TransformerTraits(rawValue: 1 << 17)
  static let imageNetMean = TransformerTraits(rawValue: 1 << 18)
  static let clipMean = TransformerTraits(rawValue: 1 << 19)
  static let unitMean = TransformerTraits(rawValue: 1 << 20)
  /// No class token; a learned query attends to the patch tokens.
  static let mapPooled: TransformerTraits = [
    .noClassToken, TransformerTraits(rawValue: 1 << 21),
  ]

  /// Mean and standard deviation, if these traits choose any.
  var constants: (mean: [Double], deviation: [Double])? {
    if contains(.halfMean) { return Preprocessing.half }
    if contains(.imageNetMean) { return Preprocessing.imageNet }
    if contains(.clipMean) { return Preprocessing.clip }
    if contains(.unitMean) { return Preprocessing.unit }
    return nil
  }
}
