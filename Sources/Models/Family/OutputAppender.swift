import Diagnostics
import IR

/// Appends what is asked for to the graph of a model's body, and returns it.
struct OutputAppender {
  /// The model.
  let family: any Family
  /// What the body makes: all tokens, and what is pooled of them.
  let tokens: Value
  let pooled: Value
  /// Where its blocks end.
  private let blocks: BlockEnds
  /// What they attend to.
  private let maps: AttentionMaps

  /// Reads the graph of a body that has just been appended.
  init(_ family: any Family, tokens: Value, pooled: Value, _ builder: ModelBuilder) {
    self.family = family
    self.tokens = tokens
    self.pooled = pooled
    blocks = BlockEnds(builder.graph)
    maps = AttentionMaps(family, blocks)
  }

  /// - Throws: an output that the model does not have.
  func append(_ output: ModelOutput, to builder: inout ModelBuilder) throws(Diagnostic) {
    if output.isOfBlocks, blocks.values.isEmpty {
      throw Diagnostic(
        "'\(family.name)' has no blocks of tokens, so there is no '\(output.rawValue)'",
        at: .argument("--outputs"),
        hint: "its layers are convolutions; 'tokens' are the pixels of its last map")
    }
    let output = try output.counted(of: blocks.values.count)
    for (name, value) in try zip(output.names, values(of: output, &builder)) {
      guard !builder.hasOutput(name) else {
        throw Diagnostic("duplicate output '\(name)'", at: .argument("--outputs"))
      }
      builder.addOutput(
        name,
        output.isHalf
          ? try builder.append(.round(Round(.f16)), [value], name: "\(name).stored") : value)
    }
  }

  /// The tensors of an output.
  private func values(
    of output: ModelOutput, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> [Value] {
    switch output.kind {
    case .logits:
      let row =
        if let head = family.facts.suppliedHead {
          try family.logits(of: head, tokens, pooled, in: &builder)
        } else {
          try family.logits(pooled, in: &builder)
        }
      return [try builder.flat(row, "logits")]
    case .features(let isUnit):
      try checkPooling("features")
      var row = try family.featureRow(pooled, in: &builder)
      if isUnit { row = try Self.unit(row, name: "features.unit", &builder) }
      return [try builder.flat(row, isUnit ? "features_unit" : "features")]
    case .pooled:
      try checkPooling("pooled rows")
      let isRow = builder.type(pooled).shape[0] == 1
      return [isRow ? try builder.flat(pooled, "pooled") : pooled]
    case .pooler:
      return [try builder.flat(try family.pooler(tokens, in: &builder), "pooler")]
    case .tokens: return [tokens]
    case .layers(let indices, let form):
      return try zip(indices, output.names).map { (index, name) throws(Diagnostic) in
        try layer(index, form, name: name, &builder)
      }
    case .classAttention(let ofAllBlocks):
      return [
        try maps.classRows(ofAllBlocks: ofAllBlocks, name: output.names[0], &builder)
      ]
    case .attention(let block): return [try maps.weights(of: block, builder)]
    case .allAttention: return [try maps.all(name: output.names[0], &builder)]
    case .rollout: return [try maps.rollout(name: "rollout", &builder)]
    case .distance: return [try maps.distances(name: "distance", &builder)]
    }
  }

  /// Throws where nothing is made of the tokens.
  private func checkPooling(_ name: String) throws(Diagnostic) {
    guard !family.hasFeatures else { return }
    throw Diagnostic(
      "'\(family.name)' pools nothing, so there are no \(name)",
      at: .argument("--outputs"), hint: "ask for 'tokens'")
  }

  /// Rows divided by their length, as `x / max(|x|, 1e-12)` is for all rows but those that are
  /// almost zero: `x / sqrt(mean(x^2) + 1e-24) / sqrt(D)`.
  static func unit(
    _ row: Value, name: String, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(row).shape[1]
    let factor = try builder.append(
      .fill(Fill(Float(1 / Double(dim).squareRoot()), shape: [dim])), [], name: "\(name).factor")
    return try builder.append(.rmsNorm(RMSNorm(epsilon: 1e-24)), [row, factor], name: name)
  }

  /// What a block gives, in a form.
  private func layer(
    _ index: Int, _ form: ModelOutput.LayerForm, name: String, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var x = blocks.values[index]
    let map = family.tokenMap(afterBlock: index)
    if form.keepsPrefix, map.prefix == 0 { throw family.noPrefix }
    if map.prefix > 0, !form.keepsPrefix {
      x = try builder.rows(x, from: map.prefix, count: map.patches, name: "\(name).patches")
    }
    if form.isNormed { x = try normed(x, name: name, &builder) }
    guard form.isPlanar else { return x }
    let dim = builder.type(x).shape[1]
    let planes = try builder.append(.transpose(Transpose()), [x], name: "\(name).planes")
    return try builder.append(
      .reshape(Reshape([dim] + map.grid)), [planes], name: "\(name).map")
  }

  /// Rows of a block's result after the model's last norm, which is that of the last block.
  private func normed(
    _ x: Value, name: String, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    guard let norm = blocks.lastNorm else {
      throw Diagnostic(
        "'\(family.name)' has no norm of all tokens after its last block, so 'norm' means nothing",
        at: .argument("--outputs"), hint: "ask for the layers as they are")
    }
    let width = builder.type(x).shape[1]
    guard width == norm.type.shape[1] else {
      throw Diagnostic(
        "the last norm of '\(family.name)' is of \(norm.type.shape[1]) numbers, this layer has "
          + "\(width)", at: .argument("--outputs"), hint: "ask for the layer as it is")
    }
    return try builder.append(
      norm.op, [x] + norm.operands.dropFirst(), name: "\(name).norm")
  }
}

extension HasModelFacts {
  /// The diagnostic for prefix tokens that there are not.
  var noPrefix: Diagnostic {
    Diagnostic(
      "'\(name)' has no tokens before the patches, so 'prefix' means nothing",
      at: .argument("--outputs"), hint: "leave it out")
  }
}
