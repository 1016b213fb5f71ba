import Diagnostics
import IR

/// The text tower of a model of images and texts: tokens and their positions, blocks, a norm, the
/// row of one token, a projection.
///
/// D is `dim`, M is `mlpHidden`, L is the number of tokens. `features` is the projected row, as
/// transformers' `get_text_features` and OpenCLIP's `encode_text` give it, not normalized;
/// `tokens` are all rows after the last norm, `pooled` is the row before its projection.
///
/// Reference: Radford et al. 2021, arXiv:2103.00020; Zhai et al. 2023, arXiv:2303.15343; Fini et
/// al. 2024, arXiv:2411.14402.
struct TextTower: Hashable, Sendable {
  /// The projection of the row.
  enum Projection: Hashable, Sendable {
    /// There is none.
    case none
    /// A linear layer of this width.
    case linear(width: Int, hasBias: Bool)
  }

  /// What every model has; its images are none.
  var facts: ModelFacts
  /// What it reads.
  var input: TextInput
  /// D, the width of the residual stream.
  var dim: Int
  /// The number of blocks.
  var depth: Int
  /// The number of attention heads.
  var heads: Int
  /// M, the width inside the MLP.
  var mlpHidden: Int
  /// The shape of the feed-forward part.
  var feedForward = FeedForward.Form.mlp
  /// The function inside the MLP.
  var activation: ActivationFunction
  /// What every norm does.
  var norm: Normalization
  /// `true` iff the attention's layers have biases.
  var hasAttentionBias = true
  /// `true` iff the layers of the feed-forward part have biases.
  var hasMLPBias = true
  /// `true` iff branches of a block end in a product with a learned vector (LayerScale).
  var layerScale = false
  /// What is made of the row.
  var projection: Projection
  /// Whose names its checkpoint has.
  var names: TextNaming.Origin
  /// How its vectors are compared with those of images.
  var rule: TextComparison.Rule

  /// The sizes that fit together, and the widths of rows.
  func check() throws(Diagnostic) {
    let positive: [(String, Int, Int)] = [
      ("number of positions", input.positions, 1 << 16),
      ("number of tokens", input.length, input.positions),
      ("size of the vocabulary", input.vocabulary, Input.greatestLimit),
      ("width", dim, 1 << 16), ("depth", depth, 1024), ("number of heads", heads, 1024),
      ("MLP width", mlpHidden, 1 << 20),
    ]
    for (what, value, limit) in positive where value < 1 || value > limit {
      throw fault("\(what) is \(value), expected 1 to \(limit)")
    }
    guard dim % heads == 0 else {
      throw fault("width \(dim) does not divide into \(heads) heads")
    }
    guard norm.epsilon >= 0, norm.epsilon < 1 else {
      throw fault("norm epsilon is \(norm.epsilon), expected 0 to 1")
    }
    if case .first(let token) = input.end, !(0..<input.vocabulary).contains(token) {
      throw fault("end-of-text is \(token), expected 0 to \(input.vocabulary - 1)")
    }
    if case .linear(let width, _) = projection, !(1...1 << 16).contains(width) {
      throw fault("width of the projection is \(width), expected 1 to \(1 << 16)")
    }
  }
}

// MARK: - Graph

extension TextTower {
  private static let projectionName = "proj"

  private var block: EncoderBlock {
    EncoderBlock(
      norm: norm,
      attention: SelfAttention(
        core: AttentionCore(heads: heads, isCausal: input.isCausal), keyHeads: heads,
        biases: hasAttentionBias ? .all : [], hasProjectionBias: hasAttentionBias),
      feedForward: FeedForward(
        form: feedForward, hidden: mlpHidden, activation: activation, hasBias: hasMLPBias),
      layerScale: layerScale ? .both : .none)
  }

  /// Returns the tower as a graph in the `imported` form.
  func graph(outputs: [ModelOutput], tensors: TensorLayout) throws(Diagnostic) -> Graph {
    try check()
    try checkOutputs(outputs)
    var builder = ModelBuilder(name: name, tensors: tensors)
    let (ids, stream) = try appendBody(&builder)
    for output in outputs { try append(output, ids, stream, &builder) }
    return try builder.finished()
  }

  private func append(
    _ output: ModelOutput, _ ids: Value, _ stream: Value, _ builder: inout ModelBuilder
  ) throws(Diagnostic) {
    let name = output.names[0]
    var value: Value
    switch output.kind {
    case .tokens: value = try norm.append("norm", stream, to: &builder)
    case .features(let isUnit):
      value = try features(try pooled(ids, stream, &builder), &builder)
      if isUnit { value = try OutputAppender.unit(value, name: "features.unit", &builder) }
      value = try builder.flat(value, name)
    case .pooled: value = try builder.flat(try pooled(ids, stream, &builder), name)
    case .pooler, .logits, .layers, .classAttention, .attention, .allAttention, .rollout,
      .distance:
      throw Diagnostic(
        "a text tower has no '\(output.rawValue)'", at: .argument("--outputs"),
        hint: "ask for 'features', 'pooled' or 'tokens'")
    }
    if output.isHalf {
      value = try builder.append(.round(Round(.f16)), [value], name: "\(name).stored")
    }
    builder.addOutput(name, value)
  }

  /// Returns what the layers ask for, whatever the outputs.
  func tensors(
    fusedQKV: Bool, outputs: [ModelOutput]
  ) throws(Diagnostic) -> [TensorSpecification] {
    try check()
    var builder = ModelBuilder(name: name, tensors: .canonical(fusedQKV: fusedQKV))
    let (ids, stream) = try appendBody(&builder)
    _ = try features(try pooled(ids, stream, &builder), &builder)
    return builder.specifications
  }

  /// Appends what comes before the last norm: the tokens, and the rows that blocks make of them.
  private func appendBody(
    _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> (ids: Value, stream: Value) {
    let ids = try builder.append(
      .input(
        Input(
          type: TensorType(.i32, [input.length]), limit: input.vocabulary,
          required: input.required)), [], name: "ids")
    let table = try builder.weight("token_embed.weight", [input.vocabulary, dim])
    var x = try builder.append(.embedding(Embedding()), [table, ids], name: "token_embed")
    var positions = try builder.weight(PositionTable.name, [input.positions, dim])
    if input.length < input.positions {
      positions = try builder.rows(
        positions, from: 0, count: input.length, name: "\(PositionTable.name).rows")
    }
    x = try builder.sum(x, positions, name: "\(PositionTable.name).add")
    for index in 0..<depth {
      x = try block.append("blocks.\(index)", index: index, x, to: &builder)
    }
    return (ids, x)
  }

  /// Appends the row that the projection reads: `[1, dim]`.
  ///
  /// A norm of one row is that row of the norm of all.
  private func pooled(
    _ ids: Value, _ stream: Value, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    try builder.once("pool") { (builder) throws(Diagnostic) in
      let row: Value
      switch input.end {
      case .first(let token):
        row = try builder.append(.pickRow(PickRow(token: token)), [stream, ids], name: "pool.row")
      case .largest:
        row = try builder.append(.pickRow(PickRow()), [stream, ids], name: "pool.row")
      case .last:
        row = try builder.rows(stream, from: input.length - 1, count: 1, name: "pool.row")
      case .start: row = try builder.rows(stream, from: 0, count: 1, name: "pool.row")
      }
      return try norm.append("norm", row, to: &builder)
    }
  }

  /// Appends the vector of a text: one row.
  private func features(
    _ pooled: Value, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    guard case .linear(let width, let hasBias) = projection else { return pooled }
    return try builder.once("projected") { (builder) throws(Diagnostic) in
      try builder.linear(Self.projectionName, pooled, width, bias: hasBias)
    }
  }
}
