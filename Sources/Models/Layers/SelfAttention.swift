import Diagnostics
import IR

/// Multi-head attention of all tokens to all tokens, and the projection of what it gives.
///
/// What a family adds to it, such as positions in queries and keys, a bias of the scores or norms
/// of queries and keys, is a property here and a layer of its own.
struct SelfAttention: Hashable, Sendable {
  /// What is done with queries, keys and values.
  var core: AttentionCore
  /// The number of heads that keys and values have; each serves as many of the queries' heads.
  var keyHeads: Int
  /// Which of q, k and v have biases.
  var biases = AttentionBiases.all
  /// `true` iff the projection of what attention gives has a bias.
  var hasProjectionBias = true
  /// How timm stores the projections.
  var projections = TimmProjections.together
  /// `true` iff a rotation turns neighbouring columns of a head, not those of its halves.
  var turnsNeighbours = false
  /// Of what the heads give, before the projection, if there is any.
  var innerNorm: Normalization?

  /// - Parameters:
  ///   - block: the index of the block.
  ///   - rotation: the table of angles that queries and keys are turned by, if they are.
  ///   - bias: what is added to the scores, if something is.
  func append(
    _ name: String, block: Int, _ x: Value, rotation: Value? = nil, bias: Value? = nil,
    to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(x).shape[1]
    var parts: [Value] = []
    for index in 0..<3 {
      let isTurned = rotation != nil && index < 2
      parts.append(try projection(name, index, x, isTurned: isTurned, &builder))
    }
    var merged = try core.append(
      name, block: block, parts[0], parts[1], parts[2], rotation: rotation, bias: bias,
      to: &builder)
    if let innerNorm { merged = try innerNorm.append("\(name).norm", merged, to: &builder) }
    return try builder.linear("\(name).proj", merged, dim, bias: hasProjectionBias)
  }

  /// Queries, keys or values, by their index.
  private func projection(
    _ name: String, _ index: Int, _ x: Value, isTurned: Bool, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(x).shape[1]
    let part = ["q", "k", "v"][index]
    let hasBias = biases.contains([.query, .key, .value][index])
    let layer = "\(name).\(part)"
    let rows = index == 0 ? dim : dim / core.heads * keyHeads
    var operands = [x]
    for (kind, shape) in [("weight", [rows, dim]), ("bias", [rows])]
    where kind == "weight" || hasBias {
      var tensor: Value
      if !builder.fusesQKV {
        tensor = try builder.weight("\(layer).\(kind)", shape)
      } else {
        switch (projections, kind) {
        case (.apart, _): tensor = try builder.weight("\(layer)_proj.\(kind)", shape)
        case (.biasesApart, "bias"): tensor = try builder.weight("\(layer)_bias", shape)
        default:
          tensor = try builder.rows(
            try builder.weight("\(name).qkv.\(kind)", [3 * dim] + shape.dropFirst()),
            from: index * dim, count: dim, name: "\(layer).\(kind)")
        }
      }
      if index > 0 { tensor = try repeated(tensor, "\(layer).\(kind)", &builder) }
      if isTurned, turnsNeighbours {
        tensor = try builder.append(
          .deinterleave(Deinterleave(heads: core.heads)), [tensor],
          name: "\(layer).\(kind).halves")
      }
      operands.append(tensor)
    }
    return try builder.append(.linear(Linear()), operands, name: layer)
  }

  /// Each head's rows as often as heads of queries read them.
  private func repeated(
    _ tensor: Value, _ name: String, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    guard keyHeads < core.heads else { return tensor }
    let width = builder.type(tensor).shape[0] / keyHeads
    var heads: [Value] = []
    for head in 0..<keyHeads {
      let rows = try builder.rows(
        tensor, from: head * width, count: width, name: "\(name).head\(head)")
      heads += Array(repeating: rows, count: core.heads / keyHeads)
    }
    return try builder.concatenated(heads, "\(name).heads")
  }
}

/// Which of queries, keys and values have biases.
struct AttentionBiases: OptionSet, Hashable, Sendable {
  var rawValue: Int

  static let query = AttentionBiases(rawValue: 1)
  static let key = AttentionBiases(rawValue: 2)
  static let value = AttentionBiases(rawValue: 4)
  static let all: AttentionBiases = [.query, .key, .value]
}

extension ModelBuilder {
  /// Multi-head scaled dot-product attention as the textbook has it: queries, keys and values,
  /// `[tokens, heads * headDim]`, cut into heads, which are put side by side again.
  ///
  /// - Parameters:
  ///   - scale: what scores are multiplied by; `nil`: `1 / sqrt(headDim)`.
  ///   - bias: what is added to the scores, `[heads, queries, tokens]`, if something is.
  ///   - isCausal: `true` iff a query sees nothing of what follows it.
  mutating func attention(
    _ name: String, _ query: Value, _ key: Value, _ value: Value, heads: Int,
    scale factor: Double? = nil, bias: Value? = nil, isCausal: Bool = false
  ) throws(Diagnostic) -> Value {
    var parts: [Value] = []
    for (part, projected) in [("q", query), ("k", key), ("v", value)] {
      parts.append(
        try append(
          .splitHeads(SplitHeads(heads: heads)), [projected], name: "\(name).\(part).heads"))
    }
    var scores = try append(
      .matMul(MatMul(transposed: true)), [parts[0], parts[1]], name: "\(name).scores")
    let scale = Float(factor ?? 1 / Double(type(query).shape[1] / heads).squareRoot())
    scores = try append(.scale(Scale(scale)), [scores], name: "\(name).scaled")
    if let bias { scores = try sum(scores, bias, name: "\(name).biased") }
    let weights = try append(
      .softmax(Softmax(isCausal: isCausal)), [scores], name: "\(name).softmax")
    let mixed = try append(.matMul(MatMul()), [weights, parts[2]], name: "\(name).mixed")
    return try append(.mergeHeads(MergeHeads()), [mixed], name: "\(name).merged")
  }

  /// A linear layer whose weight and bias are a part of a common tensor's rows, as the part of
  /// this index of `count` equal ones.
  mutating func linear(
    _ name: String, _ x: Value, _ outputs: Int, cutFrom whole: String, part: Int, of count: Int
  ) throws(Diagnostic) -> Value {
    var operands = [x]
    let kinds: [(suffix: String, shape: [Int])] = [
      ("weight", [count * outputs, type(x).shape[1]]), ("bias", [count * outputs]),
    ]
    for (suffix, shape) in kinds {
      let tensor = try weight("\(whole).\(suffix)", shape)
      operands.append(
        try rows(tensor, from: part * outputs, count: outputs, name: "\(name).\(suffix)"))
    }
    return try append(.linear(Linear()), operands, name: name)
  }
}
