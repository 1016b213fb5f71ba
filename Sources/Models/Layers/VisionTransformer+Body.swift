import Diagnostics
import IR

extension VisionTransformer {
  /// The canonical name of the layer before the head.
  static let preLogitsName = "pre_logits"
  /// The canonical name of the projection.
  static let projectionName = "proj"

  /// The layers before the first block: patches of the image or of the backbone's result.
  var embedding: PatchEmbedding {
    PatchEmbedding(backbone: backbone, patch: patch, dim: dim, bias: patchBias)
  }
  /// The positions of the patches, and of the first prefix tokens.
  var positions: PositionTable {
    PositionTable(
      prefix: positionPrefix, stored: positionGrid, grid: grid, method: positionResize)
  }
  /// Every norm.
  var norm: Normalization { Normalization(epsilon: layerNormEpsilon) }
  /// What a learned query makes of the patches, where it does.
  var attentionPool: AttentionPooling {
    AttentionPooling(
      heads: heads, norm: norm,
      feedForward: FeedForward(hidden: mlpHidden, activation: activation))
  }
  /// Every block.
  var block: EncoderBlock {
    EncoderBlock(
      norm: norm,
      attention: SelfAttention(
        heads: heads, biases: qkvBias ? attentionBiases : [],
        hasProjectionBias: hasProjectionBias, timmClass: timmClass),
      feedForward: FeedForward(
        form: feedForward, hidden: mlpHidden, activation: activation, hasBias: hasMLPBias),
      layerScale: layerScale)
  }

  /// All tokens after the last layer norm.
  func tokens(of image: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    let patches = try embedding.append(image, to: &builder)
    var x =
      hasPositionTable
      ? try positions.append(patches, after: prefix, to: &builder)
      : try PositionTable.appendWithout(patches, after: prefix, to: &builder)
    let rotation = try rotary?.append(
      grid: grid, headDim: dim / heads, prefix: prefixTokens, to: &builder)
    if preNorm { x = try norm.append("norm_pre", x, to: &builder) }
    for index in 0..<depth {
      x = try block.append("blocks.\(index)", x, rotation: rotation, to: &builder)
    }
    return finalNorm ? try norm.append("norm", x, to: &builder) : x
  }

  /// What the head reads: `[1, featureDim]`; two rows of `dim` for a distilled model.
  func pooled(_ tokens: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    var x = try pooling.append(tokens, prefix: prefixTokens, to: &builder)
    if pooling == .attention { x = try attentionPool.append(x, to: &builder) }
    if poolNorm { x = try norm.append("fc_norm", x, to: &builder) }
    guard preLogits > 0 else { return x }
    x = try builder.linear(Self.preLogitsName, x, preLogits)
    return try builder.activation(.tanh, x, name: "\(Self.preLogitsName).act")
  }

  /// One row: for a distilled model the mean of its two, as timm's `pre_logits`; for one with a
  /// projection, what that makes of the pooled row.
  func features(_ pooled: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    if pooling == .distilled { return try builder.mean(pooled, name: "pool.mean") }
    guard projection > 0 else { return pooled }
    return try builder.linear(
      projectionIsHead ? "head" : Self.projectionName, pooled, projection,
      bias: projectionHasBias)
  }

  /// One row: for a distilled model the mean of what its two heads say.
  func logits(_ pooled: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    guard pooling == .distilled else {
      return try classifiers[0].append(pooled, classes: classes, to: &builder)
    }
    var scores: [Value] = []
    for (index, head) in classifiers.enumerated() {
      let token = try builder.rows(pooled, from: index, count: 1, name: "\(head.name).token")
      scores.append(try head.append(token, classes: classes, to: &builder))
    }
    let sum = try builder.sum(scores[0], scores[1], name: "head.sum")
    return try builder.append(.scale(Scale(0.5)), [sum], name: "head.mean")
  }
}
