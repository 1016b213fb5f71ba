import Diagnostics
import IR

/// The attention weights of a model's blocks, read off its graph, and what is made of them.
struct AttentionMaps {
  private let family: any Family
  private let blocks: BlockEnds
  private let map: TokenMap

  init(_ family: any Family, _ blocks: BlockEnds) {
    self.family = family
    self.blocks = blocks
    map = family.tokenMap(afterBlock: nil)
  }

  private var count: Int { blocks.values.count }

  /// The weights of a block, `[H, T, T]`.
  ///
  /// - Throws: a block that attends within windows, or whose attention is not one softmax.
  func weights(of block: Int, _ builder: ModelBuilder) throws(Diagnostic) -> Value {
    let isWindowed = (0..<count).contains { block in
      !blocks.values(of: block) { if case .attention = $0.op { true } else { false } }.isEmpty
    }
    if blocks.areStages || isWindowed {
      throw refusal("attends within windows, so most pairs of patches have no weight")
    }
    let found = blocks.values(of: block) { if case .softmax = $0.op { true } else { false } }
    guard found.count == 1, let weights = found.first else {
      throw refusal("has \(found.count) attentions in a block, not one")
    }
    guard builder.type(weights).shape.dropFirst() == [map.tokens, map.tokens] else {
      throw refusal("attends to other tokens than the class token and the patches")
    }
    return weights
  }

  /// The class token's row of the last block, or of all, over the patches; a learned query's row.
  func classRows(
    ofAllBlocks: Bool, name: String, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    // Windows are the reason to tell before pooling is.
    _ = try weights(of: count - 1, builder)
    switch map.reader {
    case .classToken: break
    case .classTokens(let places):
      throw refusal("has \(places.count) class tokens, not one", hint: "ask for 'rollout'")
    case .average:
      throw refusal("averages its patches: no token reads them", hint: "ask for 'rollout'")
    case .probe:
      guard !ofAllBlocks else {
        throw refusal(
          "has a learned query that reads its last tokens, and no class token in its blocks",
          hint: "ask for 'attention:class' or 'rollout'")
      }
      return try patchRow(of: try probe(builder), name: name, &builder)
    }
    guard ofAllBlocks else {
      return try patchRow(of: try weights(of: count - 1, builder), name: name, &builder)
    }
    var rows: [Value] = []
    for block in 0..<count {
      rows.append(
        try patchRow(
          of: try weights(of: block, builder), name: "\(name).\(block)", &builder))
    }
    let heads = builder.type(rows[0]).shape[0]
    let all = try builder.concatenated(rows, "\(name).rows")
    return try builder.append(.reshape(Reshape([count, heads, map.patches])), [all], name: name)
  }

  /// The weights of all blocks, `[L, H, T, T]`.
  func all(name: String, _ builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    var parts: [Value] = []
    var heads = 0
    for block in 0..<count {
      let weights = try weights(of: block, builder)
      heads = builder.type(weights).shape[0]
      parts.append(
        try builder.append(
          .reshape(Reshape([heads * map.tokens, map.tokens])), [weights],
          name: "\(name).\(block)"))
    }
    let rows = try builder.concatenated(parts, "\(name).rows")
    return try builder.append(
      .reshape(Reshape([count, heads, map.tokens, map.tokens])), [rows], name: name)
  }

  /// The mean distance of each block's heads, `[L, H]`, in pixels of the input.
  func distances(name: String, _ builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    guard map.suffix == 0 else {
      throw refusal("has tokens after its patches, which the distances would count as patches")
    }
    let extents = zip([family.imageHeight, family.imageWidth], map.grid).map {
      Float(Double($0) / Double($1))
    }
    let table = DistanceTable(grid: map.grid, height: extents[0], width: extents[1])
    let distances = try builder.append(.distanceTable(table), [], name: "\(name).table")
    var rows: [Value] = []
    for block in 0..<count {
      rows.append(
        try builder.append(
          .attentionDistance(AttentionDistance(start: map.prefix)),
          [try weights(of: block, builder), distances], name: "\(name).\(block)"))
    }
    return try builder.concatenated(rows, name)
  }

  /// The row of the product of all blocks' weights, averaged over heads and with the residual
  /// counted as half, by which what the model reads weighs the patches: `[h, w]`.
  func rollout(name: String, _ builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    var last = count - 1
    _ = try weights(of: last, builder)
    var v: Value
    switch map.reader {
    case .classToken:
      // Of the last block the class token's row alone is needed.
      let row = try row(
        of: try weights(of: last, builder), from: 0, count: map.tokens, name: "\(name).class",
        &builder)
      let mean = try builder.mean(row, name: "\(name).class.mean")
      let own = try constantRow([(1, 1), (0, map.tokens - 1)], "\(name).own", &builder)
      let sum = try builder.sum(mean, own, name: "\(name).class.sum")
      v = try builder.append(.scale(Scale(0.5)), [sum], name: "\(name).\(last)")
      last -= 1
    case .classTokens(let places):
      var parts: [(value: Float, count: Int)] = []
      for place in 0...(places.max() ?? 0) {
        let value = places.contains(place) ? 1 / Float(places.count) : 0
        if let last = parts.last, last.value == value {
          parts[parts.count - 1].count += 1
        } else {
          parts.append((value, 1))
        }
      }
      let named = parts.reduce(0) { $0 + $1.count }
      v = try constantRow(
        parts + [(0, map.tokens - named)], "\(name).start", &builder)
    case .average:
      v = try constantRow(
        [(0, map.prefix), (1 / Float(map.patches), map.patches), (0, map.suffix)],
        "\(name).start", &builder)
    case .probe:
      let weights = try probe(builder)
      let tokens = builder.type(weights).shape[2]
      let row = try row(of: weights, from: 0, count: tokens, name: "\(name).probe", &builder)
      v = try builder.mean(row, name: "\(name).probe.mean")
      if tokens < map.tokens {
        let zeros = try constantRow([(0, map.tokens - tokens)], "\(name).zeros", &builder)
        v = try builder.append(
          .concatenate(Concatenate(axis: 1)), [zeros, v], name: "\(name).start")
      }
    }
    for block in stride(from: last, through: 0, by: -1) {
      let mean = try headMean(
        try weights(of: block, builder), name: "\(name).mean.\(block)", &builder)
      v = try builder.append(.rollout(Rollout()), [v, mean], name: "\(name).\(block)")
    }
    let patches = try builder.append(
      .slice(Slice(axis: 1, start: map.prefix, count: map.patches)), [v],
      name: "\(name).patches")
    return try builder.append(.reshape(Reshape(map.grid)), [patches], name: name)
  }

  // MARK: - Parts

  /// The weights of the learned query that pools.
  private func probe(_ builder: ModelBuilder) throws(Diagnostic) -> Value {
    guard let weights = builder.graph.value(named: "\(AttentionPooling.name).softmax"),
      [map.patches, map.tokens].contains(builder.type(weights).shape[2])
    else { throw refusal("pools by other tokens than the patches") }
    return weights
  }

  /// The first query's row of each head over the patches: `[H, N]`.
  private func patchRow(
    of weights: Value, name: String, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    // A learned query may see the patches alone.
    let start = builder.type(weights).shape[2] == map.patches ? 0 : map.prefix
    return try row(of: weights, from: start, count: map.patches, name: name, &builder)
  }

  /// The first query's row of each head, `count` tokens of it: `[H, count]`.
  private func row(
    of weights: Value, from start: Int, count: Int, name: String, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    try builder.append(
      .attentionRow(AttentionRow(row: 0, start: start, count: count)), [weights], name: name)
  }

  /// The mean over heads, `[T, T]`.
  private func headMean(
    _ weights: Value, name: String, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let shape = builder.type(weights).shape
    let rows = try builder.append(
      .reshape(Reshape([shape[0], shape[1] * shape[2]])), [weights], name: "\(name).rows")
    let mean = try builder.mean(rows, name: "\(name).row")
    return try builder.append(
      .reshape(Reshape(Array(shape.dropFirst()))), [mean], name: name)
  }

  /// A row of a few values, each repeated: `[1, sum of the counts]`.
  private func constantRow(
    _ parts: [(value: Float, count: Int)], _ name: String, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var values: [Value] = []
    for (index, part) in parts.enumerated() where part.count > 0 {
      values.append(
        try builder.append(
          .fill(Fill(part.value, shape: [1, part.count])), [], name: "\(name).\(index)"))
    }
    return values.count == 1
      ? values[0]
      : try builder.append(.concatenate(Concatenate(axis: 1)), values, name: name)
  }

  private func refusal(_ reason: String, hint: String? = nil) -> Diagnostic {
    Diagnostic("'\(family.name)' \(reason)", at: .argument("--outputs"), hint: hint)
  }
}
