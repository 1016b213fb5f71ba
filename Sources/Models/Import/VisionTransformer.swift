import Diagnostics
import IR

/// Writes down a Vision Transformer as a graph in the `imported` form: the textbook's operations,
/// one a line, under the checkpoint's names.
public struct VisionTransformer {
  private let model: ViTConfiguration
  private let fusedQKV: Bool
  private var builder: ModelBuilder

  /// Returns the graph of a model.
  ///
  /// - Parameters:
  ///   - fusedQKV: `true` iff the checkpoint holds q, k and v in one tensor, q first.
  ///   - outputs: what the graph returns, in this order.
  ///   - storedName: the checkpoint's name of a canonical tensor, which is timm's.
  /// - Throws: outputs that the model does not have, or numbers that do not fit together.
  public static func graph(
    _ model: ViTConfiguration, fusedQKV: Bool, outputs: [ModelOutput],
    storedName: @escaping (String) -> String = { $0 }
  ) throws(Diagnostic) -> Graph {
    try model.check()
    try model.checkOutputs(outputs)
    var writer = VisionTransformer(model, fusedQKV, storedName)
    let tokens = try writer.tokens()
    let features = try writer.features(tokens)
    for output in outputs {
      switch output {
      case .tokens: writer.builder.addOutput(output, tokens)
      case .features:
        let row = try writer.single(features)
        writer.builder.addOutput(output, try writer.builder.flat(row, "features"))
      case .logits:
        let row = try writer.logits(features)
        writer.builder.addOutput(output, try writer.builder.flat(row, "logits"))
      }
    }
    return try writer.builder.finished()
  }

  private init(
    _ model: ViTConfiguration, _ fusedQKV: Bool, _ storedName: @escaping (String) -> String
  ) {
    self.model = model
    self.fusedQKV = fusedQKV
    builder = ModelBuilder(name: model.name, storedName: storedName)
  }

  // MARK: - Tokens

  /// All tokens after the last layer norm.
  private mutating func tokens() throws(Diagnostic) -> Value {
    var x = try embedding(try builder.image(of: model))
    if model.preNorm { x = try norm("norm_pre", x) }
    for index in 0..<model.depth { x = try block("blocks.\(index)", x) }
    return model.finalNorm ? try norm("norm", x) : x
  }

  /// Patches and prefix tokens with their positions.
  private mutating func embedding(_ image: Value) throws(Diagnostic) -> Value {
    let patches = try patches(image)
    var prefix: [Value] = []
    if model.hasClassToken { prefix.append(try rows("cls_token", 1)) }
    if model.hasDistillationToken { prefix.append(try rows("dist_token", 1)) }
    if model.registerTokens > 0 { prefix.append(try rows("reg_token", model.registerTokens)) }
    let positioned = prefixWithPositions(prefix)
    let positions = try positionTable()
    var x = try builder.append(
      .add(Add()),
      [
        try builder.concatenated(positioned + [patches], "embed"), positions,
      ], name: "pos_embed.add")
    if positioned.count < prefix.count {
      let count = model.positionPrefix
      var parts: [Value] = []
      if count > 0 {
        parts.append(
          try builder.append(
            .slice(Slice(start: 0, count: count)), [x], name: "embed.prefix"))
        x = try builder.append(
          .slice(Slice(start: count, count: model.patches)), [x], name: "embed.patches")
      }
      x = try builder.concatenated(parts + prefix[positioned.count...] + [x], "embed.tokens")
    }
    return x
  }

  /// Patches of the image, or of what the convolutions make of it.
  private mutating func patches(_ image: Value) throws(Diagnostic) -> Value {
    let shape = [model.dim, model.patchChannels, model.patch, model.patch]
    var (source, op) = (image, Op.patchEmbed(PatchEmbed()))
    if let trunk = model.trunk {
      let map = try builder.trunk(trunk, image, prefix: ViTConfiguration.trunkPrefix)
      (source, op) = (map.value, .conv2d(Conv2d(width: map.width, stride: model.patch)))
    }
    var operands = [source, try builder.weight("patch_embed.proj.weight", shape)]
    if model.patchBias {
      operands.append(try builder.weight("patch_embed.proj.bias", [model.dim]))
    }
    return try builder.append(op, operands, name: "patch_embed")
  }

  /// The prefix tokens that have positions: the leading ones, up to `positionPrefix` rows.
  private func prefixWithPositions(_ prefix: [Value]) -> [Value] {
    var taken: [Value] = []
    var count = 0
    for token in prefix {
      let rows = builder.type(token).shape[0]
      guard count + rows <= model.positionPrefix else { break }
      taken.append(token)
      count += rows
    }
    return taken
  }

  /// The position table, resized where the grid is another one.
  private mutating func positionTable() throws(Diagnostic) -> Value {
    let table = try rows("pos_embed", model.positionRows)
    guard model.grid != model.positionGrid else { return table }
    return try builder.append(
      .resizePositionEmbedding(
        ResizePositionEmbedding(
          from: model.positionGrid, to: model.grid, prefix: model.positionPrefix,
          method: model.positionResize)), [table], name: "pos_embed.resized")
  }

  /// One encoder block: attention and feed-forward, each behind a layer norm, each added.
  private mutating func block(_ name: String, _ x: Value) throws(Diagnostic) -> Value {
    var branch = try attention(name, try norm("\(name).norm1", x))
    branch = try layerScale("\(name).ls1", branch)
    let middle = try builder.append(
      .add(Add()), [x, branch], name: "\(name).attn.residual")
    branch = try feedForward(name, try norm("\(name).norm2", middle))
    branch = try layerScale("\(name).ls2", branch)
    return try builder.append(
      .add(Add()), [middle, branch], name: "\(name).mlp.residual")
  }

  private mutating func attention(_ name: String, _ x: Value) throws(Diagnostic) -> Value {
    var heads: [Value] = []
    for (index, part) in ["q", "k", "v"].enumerated() {
      let projected = try projection("\(name).attn", part, index, x)
      heads.append(
        try builder.append(
          .splitHeads(SplitHeads(heads: model.heads)), [projected],
          name: "\(name).attn.\(part).heads"))
    }
    var scores = try builder.append(
      .matMul(MatMul(transposed: true)), [heads[0], heads[1]], name: "\(name).attn.scores")
    let scale = Float(1 / Double(model.headDim).squareRoot())
    scores = try builder.append(
      .scale(Scale(scale)), [scores], name: "\(name).attn.scaled")
    let weights = try builder.append(
      .softmax(Softmax()), [scores], name: "\(name).attn.softmax")
    let mixed = try builder.append(
      .matMul(MatMul()), [weights, heads[2]], name: "\(name).attn.mixed")
    let merged = try builder.append(
      .mergeHeads(MergeHeads()), [mixed], name: "\(name).attn.merged")
    return try builder.linear("\(name).attn.proj", merged, model.dim)
  }

  /// The query, key or value projection, cut out of the common tensor where there is one.
  private mutating func projection(
    _ name: String, _ part: String, _ index: Int, _ x: Value
  ) throws(Diagnostic) -> Value {
    guard fusedQKV else {
      return try builder.linear("\(name).\(part)", x, model.dim, bias: model.qkvBias)
    }
    var operands = [x]
    var kinds: [(suffix: String, shape: [Int])] = [("weight", [3 * model.dim, model.dim])]
    if model.qkvBias { kinds.append(("bias", [3 * model.dim])) }
    for (suffix, shape) in kinds {
      let whole = try builder.weight("\(name).qkv.\(suffix)", shape)
      operands.append(
        try builder.append(
          .slice(Slice(start: index * model.dim, count: model.dim)), [whole],
          name: "\(name).\(part).\(suffix)"))
    }
    return try builder.append(.linear(Linear()), operands, name: "\(name).\(part)")
  }

  private mutating func feedForward(_ name: String, _ x: Value) throws(Diagnostic) -> Value {
    let isGated = model.feedForward == .gated
    let wide = try builder.linear(
      "\(name).mlp.fc1", x, isGated ? 2 * model.mlpHidden : model.mlpHidden)
    let op: Op = isGated ? .swiGLU(SwiGLU()) : .activation(Activation(model.activation))
    let active = try builder.append(op, [wide], name: "\(name).mlp.act")
    return try builder.linear("\(name).mlp.fc2", active, model.dim)
  }

  private mutating func layerScale(_ name: String, _ x: Value) throws(Diagnostic) -> Value {
    guard model.layerScale else { return x }
    return try builder.append(
      .multiply(Multiply()), [x, try builder.weight("\(name).gamma", [model.dim])], name: name)
  }

  // MARK: - Head

  /// What the head reads: `[1, featureDim]`; two rows of `dim` for a distilled model.
  private mutating func features(_ tokens: Value) throws(Diagnostic) -> Value {
    var pooled: Value
    switch model.pooling {
    case .token: pooled = try firstRow(tokens)
    case .average: pooled = try patchMean(tokens)
    case .tokenAndAverage:
      pooled = try builder.append(
        .concatenate(Concatenate(axis: 1)), [try firstRow(tokens), try patchMean(tokens)],
        name: "pool")
    case .distilled:
      pooled = try builder.append(
        .slice(Slice(start: 0, count: 2)), [tokens], name: "pool.tokens")
    }
    if model.poolNorm { pooled = try norm("fc_norm", pooled) }
    guard model.preLogits > 0 else { return pooled }
    return try builder.append(
      .activation(Activation(.tanh)), [try builder.linear("pre_logits", pooled, model.preLogits)],
      name: "pre_logits.act")
  }

  private mutating func firstRow(_ tokens: Value) throws(Diagnostic) -> Value {
    try builder.append(.slice(Slice(start: 0, count: 1)), [tokens], name: "pool.token")
  }

  private mutating func patchMean(_ tokens: Value) throws(Diagnostic) -> Value {
    let patches =
      model.prefixTokens == 0
      ? tokens
      : try builder.append(
        .slice(Slice(start: model.prefixTokens, count: model.patches)), [tokens],
        name: "pool.patches")
    return try builder.append(.meanRows(MeanRows()), [patches], name: "pool.mean")
  }

  /// One row of features: for a distilled model the mean of its two, as timm's `pre_logits`.
  private mutating func single(_ features: Value) throws(Diagnostic) -> Value {
    model.pooling == .distilled
      ? try builder.append(.meanRows(MeanRows()), [features], name: "pool.mean") : features
  }

  private mutating func logits(_ features: Value) throws(Diagnostic) -> Value {
    guard model.pooling == .distilled else {
      return try builder.linear("head", features, model.classes)
    }
    var scores: [Value] = []
    for (index, name) in ["head", "head_dist"].enumerated() {
      let token = try builder.append(
        .slice(Slice(start: index, count: 1)), [features], name: "\(name).token")
      scores.append(try builder.linear(name, token, model.classes))
    }
    let sum = try builder.append(.add(Add()), scores, name: "head.sum")
    return try builder.append(.scale(Scale(0.5)), [sum], name: "head.mean")
  }

  // MARK: - Layers

  /// A stored `[1, count, dim]` as `[count, dim]`.
  private mutating func rows(_ name: String, _ count: Int) throws(Diagnostic) -> Value {
    let stored = try builder.weight(name, [1, count, model.dim])
    return try builder.append(
      .reshape(Reshape([count, model.dim])), [stored], name: "\(name).rows")
  }

  private mutating func norm(_ name: String, _ x: Value) throws(Diagnostic) -> Value {
    try builder.append(
      .layerNorm(LayerNorm(epsilon: Float(model.layerNormEpsilon))),
      [
        x, try builder.weight("\(name).weight", [model.dim]),
        try builder.weight("\(name).bias", [model.dim]),
      ], name: name)
  }
}
