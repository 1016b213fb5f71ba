import Diagnostics
import IR

extension VisionTransformer {
  /// The canonical name of the layer before the head.
  static let preLogitsName = "pre_logits"
  /// The canonical name of the projection.
  static let projectionName = "proj"

  /// The layers before the first block: patches of the image or of the backbone's result.
  var embedding: PatchEmbedding {
    PatchEmbedding(
      backbone: backbone, patch: patch, dim: dim, bias: patchBias, layout: patchLayout,
      name: timmClass.patchProjection, conditioner: conditioner)
  }
  /// The positions of the patches, and of the first prefix tokens.
  var positions: PositionTable {
    PositionTable(
      prefix: positionPrefix, suffix: suffixTokens, stored: positionGrid, grid: grid,
      method: positionResize, fit: positionFit, storage: positionStorage,
      namePrefix: timmClass.embeddingPrefix)
  }
  /// Every norm.
  var norm: Normalization { Normalization(epsilon: layerNormEpsilon, kind: normKind) }
  /// What a learned query makes of the tokens, where it does.
  var attentionPool: AttentionPooling {
    AttentionPooling(
      heads: poolHeads ?? heads, projectsQuery: poolProjectsQuery,
      hasBias: poolProjectsQuery || qkvBias,
      refinement: !poolProjectsQuery
        ? nil
        : .init(
          norm: norm,
          feedForward: FeedForward(
            hidden: poolRatio.map { Int(Double(dim) * $0) } ?? mlpHidden, activation: activation)))
  }
  /// What is done with queries, keys and values.
  private var core: AttentionCore {
    AttentionCore(
      heads: heads,
      queryKeyNorm: normsWholeRows
        ? Normalization(epsilon: 1e-6, kind: .rootMeanSquare) : queryKeyNorm ? norm : nil,
      normsWholeRows: normsWholeRows, isDifferential: isDifferential)
  }
  /// The feed-forward part of every block.
  private var feedForwardPart: FeedForward {
    FeedForward(
      form: feedForward, hidden: mlpHidden, activation: activation, hasBias: hasMLPBias,
      innerNorm: mlpNorm ? norm : nil)
  }
  /// The attention of a block.
  private func attention(ofBlock index: Int) -> SelfAttention {
    SelfAttention(
      core: core, keyHeads: keyHeads?[index] ?? heads, biases: qkvBias ? attentionBiases : [],
      hasProjectionBias: hasProjectionBias, projections: projections,
      turnsNeighbours: rotary?.turnsNeighbours ?? false, innerNorm: attentionNorm ? norm : nil)
  }

  /// One block after another.
  private func appendBlock(
    _ index: Int, _ x: Value, rotation: Value?, bias: RelativeBias?, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let name = "blocks.\(index)"
    switch blockForm {
    case .sequential:
      let block = EncoderBlock(
        norm: norm, normsFollow: normsFollow, attention: attention(ofBlock: index),
        feedForward: feedForwardPart,
        layerScale: !layerScale ? .none : scalesFeedForward ? .both : .attention,
        timmClass: timmClass)
      return try block.append(
        name, index: index, x, rotation: rotation, bias: bias, to: &builder)
    case .parallel, .parallelJoined:
      let block = ParallelBlock(
        norm: norm, core: core, hidden: mlpHidden, activation: activation, hasBias: qkvBias,
        joinsOutputs: blockForm == .parallelJoined, layerScale: layerScale)
      return try block.append(name, index: index, x, to: &builder)
    case .branched(let count):
      let block = BranchedBlock(
        count: count, norm: norm, attention: attention(ofBlock: index),
        feedForward: feedForwardPart, layerScale: layerScale)
      return try block.append(name, index: index, x, to: &builder)
    }
  }

  /// All tokens after the last layer norm.
  func tokens(of image: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    var patches =
      hasConvolutionalStem
      ? try ConvolutionalStem(dim: dim).append(image, to: &builder)
      : try embedding.append(image, to: &builder)
    if patchNorm { patches = try norm.append("patch_embed.norm", patches, to: &builder) }
    if hasWavePositions {
      patches = try WavePositions(grid: grid).append(patches, to: &builder)
    }
    var x =
      hasPositionTable
      ? try positions.append(patches, after: prefix, before: suffix, to: &builder)
      : try PositionTable.appendWithout(patches, after: prefix, to: &builder)
    let rotations = try rotary?.append(
      grid: grid, depth: depth, heads: heads, headDim: dim / heads, prefix: prefixTokens,
      to: &builder)
    let bias = relativeBias.map {
      RelativeBias(tables: $0, stored: positionGrid, grid: grid, method: relativeResize)
    }
    if preNorm { x = try norm.append("norm_pre", x, to: &builder) }
    for index in 0..<depth {
      x = try appendBlock(index, x, rotation: rotations?[index], bias: bias, to: &builder)
      if hasMiddlePositions, index < depth - 1 {
        x = try MiddlePositions(table: positions, depth: depth).append(
          x, afterBlock: index, to: &builder)
      }
    }
    let last = Normalization(epsilon: layerNormEpsilon, kind: finalNormKind ?? normKind)
    return finalNorm ? try last.append("norm", x, to: &builder) : x
  }

  /// What the head reads: `[1, featureDim]`; two rows of `dim` for a distilled model.
  func pooled(_ tokens: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    if pooling == .summary { return try summary(tokens, in: &builder) }
    let isWhole = pooling == .attention && poolsPrefix
    var x = try pooling.append(tokens, prefix: isWhole ? 0 : prefixTokens, to: &builder)
    if pooling == .context, let contextPool { x = try contextPool.append(x, to: &builder) }
    if pooling == .attention { x = try attentionPool.append(x, to: &builder) }
    if poolNorm { x = try norm.append("fc_norm", x, to: &builder) }
    guard preLogits > 0 else { return x }
    x = try builder.linear(Self.preLogitsName, x, preLogits)
    return try builder.activation(.tanh, x, name: "\(Self.preLogitsName).act")
  }

  /// The tokens of the summary, side by side.
  private func summary(
    _ tokens: Value, in builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var parts: [Value] = []
    for (index, token) in summaryTokens.enumerated() {
      parts.append(
        try builder.rows(tokens, from: token, count: 1, name: "pool.token\(index)"))
    }
    return parts.count == 1
      ? parts[0]
      : try builder.append(.concatenate(Concatenate(axis: 1)), parts, name: "pool.summary")
  }

  /// One row: for a distilled model the mean of its two, as timm's `pre_logits`; for one with a
  /// projection, what that makes of the pooled row.
  func features(_ pooled: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    if pooling == .distilled { return try builder.mean(pooled, name: "pool.mean") }
    guard projection > 0 else { return pooled }
    var pooled = pooled
    if projectionHidden > 0 {
      pooled = try builder.linear("\(Self.projectionName).fc1", pooled, projectionHidden)
      pooled = try builder.activation(.gelu, pooled, name: "\(Self.projectionName).act")
    }
    return try builder.linear(
      projectionIsHead
        ? "head" : projectionHidden > 0 ? "\(Self.projectionName).fc2" : Self.projectionName,
      pooled, projection,
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
