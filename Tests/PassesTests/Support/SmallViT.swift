import Diagnostics
import IR
import SeededRandom

/// A small Vision Transformer as the importers build it, every choice open.
struct SmallViT: Sendable, CustomStringConvertible {
  enum Tokens: String, CaseIterable { case none, classToken, classAndRegisters, distilled }
  enum Positions: String, CaseIterable { case all, patchesOnly, beforeRegisters, resized }
  enum MLP: String, CaseIterable { case gelu, silu, swiglu }
  enum Pooling: String, CaseIterable { case token, mean, meanNormalized, classAndMean }

  var tokens = Tokens.classToken
  var positions = Positions.all
  var mlp = MLP.gelu
  var pooling = Pooling.token
  var depth = 2
  var heads = 2
  var dim = 8
  var classes = 3
  var patch = 4
  var size = 12
  var isQKVFused = true
  var hasQKVBias = true
  var hasLayerScale = false
  var hasNormBefore = false
  /// `true` iff norms divide by the root of the mean square.
  var hasRMSNorm = false
  var outputs: Set<String> = ["logits"]
  /// `true` iff the weights of the last attention are returned too, and twice those.
  var returnsWeights = false

  init() {}

  /// A ViT with every choice drawn.
  init(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    tokens = Tokens.allCases.randomElement(using: &random) ?? .none
    positions = Positions.allCases.randomElement(using: &random) ?? .all
    mlp = MLP.allCases.randomElement(using: &random) ?? .gelu
    pooling = Pooling.allCases.randomElement(using: &random) ?? .token
    depth = Int.random(in: 1...3, using: &random)
    heads = [1, 2, 4].randomElement(using: &random) ?? 1
    dim = heads * Int.random(in: 2...5, using: &random)
    classes = Int.random(in: 2...40, using: &random)
    patch = Int.random(in: 2...4, using: &random)
    size = Int.random(in: 8...14, using: &random)
    isQKVFused = Bool.random(using: &random)
    hasQKVBias = Bool.random(using: &random)
    hasLayerScale = Bool.random(using: &random)
    hasNormBefore = Int.random(in: 0..<5, using: &random) == 0
    let choices: [Set<String>] = [
      ["logits"], ["logits"], ["features"], ["tokens"], ["logits", "features"],
      ["logits", "features", "tokens"],
    ]
    outputs = choices.randomElement(using: &random) ?? ["logits"]
    returnsWeights = Int.random(in: 0..<3, using: &random) == 0
    hasRMSNorm = Int.random(in: 0..<3, using: &random) == 0
  }

  var description: String {
    "\(tokens) \(positions) \(mlp) \(pooling) depth \(depth) dim \(heads)x\(dim / heads) "
      + "patch \(patch) of \(size) fused \(isQKVFused) bias \(hasQKVBias) "
      + "layer scale \(hasLayerScale) norm before \(hasNormBefore) "
      + "RMS \(hasRMSNorm) \(outputs.sorted()) "
      + "weights \(returnsWeights)"
  }

  /// Builds the imported graph.
  func graph() throws(Diagnostic) -> Graph {
    var build = Building(vit: self)
    return try build.graph()
  }
}

private struct Building {
  let vit: SmallViT
  var builder = GraphBuilder(name: "small", form: .imported)
  /// The weights of the last attention so far.
  private var weights: Value?

  var grid: Int { vit.size / vit.patch }
  var dim: Int { vit.dim }

  init(vit: SmallViT) { self.vit = vit }

  mutating func weight(_ name: String, _ shape: Int...) throws(Diagnostic) -> Value {
    try builder.append(.weight(Weight(tensor: name, shape: shape)), name: name)
  }

  mutating func linear(
    _ x: Value, _ name: String, out: Int, bias: Bool = true
  ) throws(Diagnostic) -> Value {
    let depth = builder.type(x).shape[1]
    var operands = [x, try weight("\(name).weight", out, depth)]
    if bias { operands.append(try weight("\(name).bias", out)) }
    return try builder.append(.linear(Linear()), operands, name: name)
  }

  mutating func norm(_ x: Value, _ name: String) throws(Diagnostic) -> Value {
    let scale = try weight("\(name).weight", dim)
    if vit.hasRMSNorm {
      return try builder.append(.rmsNorm(RMSNorm(epsilon: 1e-6)), [x, scale], name: name)
    }
    let operands = [x, scale, try weight("\(name).bias", dim)]
    return try builder.append(.layerNorm(LayerNorm(epsilon: 1e-6)), operands, name: name)
  }

  mutating func rows(_ x: Value, _ start: Int, _ count: Int, _ name: String) throws(Diagnostic)
    -> Value
  {
    try builder.append(.slice(Slice(start: start, count: count)), [x], name: name)
  }

  mutating func graph() throws(Diagnostic) -> Graph {
    let image = try builder.append(
      .input(Input(type: .f32(3, vit.size, vit.size))), name: "image")
    let kernel = try weight("patch_embed.weight", dim, 3, vit.patch, vit.patch)
    let patches = try builder.append(
      .patchEmbed(PatchEmbed()), [image, kernel, try weight("patch_embed.bias", dim)],
      name: "patch_embed")
    var x = try embedded(patches)
    if vit.hasNormBefore { x = try norm(x, "norm_pre") }
    for index in 0..<vit.depth { x = try block(x, "blocks.\(index)") }
    try heads(x)
    if vit.returnsWeights, let weights {
      builder.addOutput("weights", weights)
      builder.addOutput(
        "doubled", try builder.append(.scale(Scale(2)), [weights], name: "doubled"))
    }
    return builder.graph
  }

  var prefix: Int {
    switch vit.tokens {
    case .none: 0
    case .classToken: 1
    case .classAndRegisters: 4
    case .distilled: 2
    }
  }

  mutating func prefixRows() throws(Diagnostic) -> [Value] {
    let shapes: [(String, Int)] =
      switch vit.tokens {
      case .none: []
      case .classToken: [("cls_token", 1)]
      case .classAndRegisters: [("cls_token", 1), ("reg_token", 3)]
      case .distilled: [("cls_token", 1), ("dist_token", 1)]
      }
    var rows: [Value] = []
    for (name, count) in shapes {
      rows.append(
        try builder.append(
          .reshape(Reshape([count, dim])), [try weight(name, 1, count, dim)],
          name: "\(name).rows"))
    }
    return rows
  }

  mutating func table(rows: Int, prefix: Int) throws(Diagnostic) -> Value {
    guard vit.positions == .resized else {
      return try builder.append(
        .reshape(Reshape([rows, dim])), [try weight("pos_embed", 1, rows, dim)],
        name: "pos_embed.rows")
    }
    let table = try builder.append(
      .reshape(Reshape([prefix + 4, dim])), [try weight("pos_embed", 1, prefix + 4, dim)],
      name: "pos_embed.rows")
    return try builder.append(
      .resizePositionEmbedding(
        ResizePositionEmbedding(
          from: [2, 2], to: [grid, grid], prefix: prefix, method: .bicubic)),
      [table], name: "pos_embed.resized")
  }

  mutating func embedded(_ patches: Value) throws(Diagnostic) -> Value {
    let count = grid * grid
    let rows = try prefixRows()
    func join(_ parts: [Value], _ name: String) throws(Diagnostic) -> Value {
      parts.count == 1
        ? parts[0] : try builder.append(.concatenate(Concatenate()), parts, name: name)
    }
    switch vit.positions {
    case .patchesOnly:
      let sum = try builder.append(
        .add(Add()), [patches, try table(rows: count, prefix: 0)], name: "pos")
      return try join(rows + [sum], "tokens")
    case .all, .resized:
      let all = try join(rows + [patches], "tokens")
      return try builder.append(
        .add(Add()), [all, try table(rows: count + prefix, prefix: prefix)], name: "pos")
    case .beforeRegisters:
      let first = Array(rows.prefix(1)) + [patches]
      let all = try join(first, "tokens")
      let extent = builder.type(all).shape[0]
      let sum = try builder.append(
        .add(Add()), [all, try table(rows: extent, prefix: extent - count)], name: "pos")
      guard rows.count > 1 else { return sum }
      let parts = [
        try self.rows(sum, 0, 1, "pos.class"), rows[1], try self.rows(sum, 1, count, "pos.patches"),
      ]
      return try builder.append(.concatenate(Concatenate()), parts, name: "tokens.all")
    }
  }

  mutating func queriesKeysValues(_ x: Value, _ name: String) throws(Diagnostic) -> [Value] {
    var parts: [Value] = []
    guard vit.isQKVFused else {
      for part in ["q", "k", "v"] {
        let bias = vit.hasQKVBias && part != "k"
        parts.append(try linear(x, "\(name).\(part)", out: dim, bias: bias))
      }
      return parts
    }
    let weight = try self.weight("\(name).qkv.weight", 3 * dim, dim)
    let bias = vit.hasQKVBias ? try self.weight("\(name).qkv.bias", 3 * dim) : nil
    for (index, part) in ["q", "k", "v"].enumerated() {
      let slice = Op.slice(Slice(start: index * dim, count: dim))
      var operands = [
        x, try builder.append(slice, [weight], name: "\(name).\(part).weight"),
      ]
      if let bias {
        operands.append(try builder.append(slice, [bias], name: "\(name).\(part).bias"))
      }
      parts.append(try builder.append(.linear(Linear()), operands, name: "\(name).\(part)"))
    }
    return parts
  }

  mutating func attention(_ x: Value, _ name: String) throws(Diagnostic) -> Value {
    var split: [Value] = []
    for (value, part) in zip(try queriesKeysValues(x, name), ["q", "k", "v"]) {
      split.append(
        try builder.append(
          .splitHeads(SplitHeads(heads: vit.heads)), [value], name: "\(name).\(part).heads"))
    }
    let scores = try builder.append(
      .matMul(MatMul(transposed: true)), [split[0], split[1]], name: "\(name).scores")
    let headDim = Double(dim / vit.heads)
    let scaled = try builder.append(
      .scale(Scale(Float(1 / headDim.squareRoot()))), [scores], name: "\(name).scaled")
    let weights = try builder.append(.softmax(Softmax()), [scaled], name: "\(name).weights")
    self.weights = weights
    let mixed = try builder.append(.matMul(MatMul()), [weights, split[2]], name: "\(name).mixed")
    let merged = try builder.append(.mergeHeads(MergeHeads()), [mixed], name: "\(name).merged")
    return try linear(merged, "\(name).proj", out: dim)
  }

  mutating func mlp(_ x: Value, _ name: String) throws(Diagnostic) -> Value {
    let hidden = 2 * dim + 3
    switch vit.mlp {
    case .gelu, .silu:
      let h = try linear(x, "\(name).fc1", out: hidden)
      let function = ActivationFunction(rawValue: vit.mlp.rawValue) ?? .gelu
      let a = try builder.append(
        .activation(Activation(function)), [h], name: "\(name).act")
      return try linear(a, "\(name).fc2", out: dim)
    case .swiglu:
      let h = try linear(x, "\(name).w12", out: 2 * hidden)
      let a = try builder.append(.swiGLU(SwiGLU()), [h], name: "\(name).act")
      return try linear(a, "\(name).w3", out: dim)
    }
  }

  mutating func residual(_ x: Value, _ y: Value, _ name: String) throws(Diagnostic) -> Value {
    var y = y
    if vit.hasLayerScale {
      y = try builder.append(
        .multiply(Multiply()), [y, try weight("\(name).gamma", dim)], name: "\(name).scaled")
    }
    return try builder.append(.add(Add()), [x, y], name: "\(name).residual")
  }

  mutating func block(_ x: Value, _ name: String) throws(Diagnostic) -> Value {
    let a = try attention(try norm(x, "\(name).norm1"), "\(name).attn")
    let y = try residual(x, a, "\(name).ls1")
    return try residual(y, try mlp(try norm(y, "\(name).norm2"), "\(name).mlp"), "\(name).ls2")
  }

  mutating func heads(_ x: Value) throws(Diagnostic) {
    let patches = grid * grid
    let first = builder.type(x).shape[0] - patches
    let isNormalizedLate = vit.pooling == .meanNormalized
    let final = isNormalizedLate ? x : try norm(x, "norm")
    var features = final
    switch vit.pooling {
    case .token where first > 0: features = try rows(final, 0, 1, "class")
    case .classAndMean where first > 0:
      let mean = try builder.append(
        .meanRows(MeanRows()), [try rows(final, first, patches, "patches")], name: "mean")
      features = try builder.append(
        .concatenate(Concatenate(axis: 1)), [try rows(final, 0, 1, "class"), mean],
        name: "features")
    case .token, .mean, .meanNormalized, .classAndMean:
      features = try builder.append(
        .meanRows(MeanRows()), [try rows(final, first, patches, "patches")], name: "mean")
      if isNormalizedLate { features = try norm(features, "fc_norm") }
    }
    let width = builder.type(features).shape[1]
    if vit.outputs.contains("logits") {
      var logits = try linear(features, "head", out: vit.classes)
      if vit.tokens == .distilled, vit.pooling == .token {
        let other = try linear(
          try rows(final, 1, 1, "distilled"), "head_dist", out: vit.classes)
        logits = try builder.append(.add(Add()), [logits, other], name: "heads")
        logits = try builder.append(.scale(Scale(0.5)), [logits], name: "heads.mean")
      }
      builder.addOutput(
        "logits",
        try builder.append(.reshape(Reshape([vit.classes])), [logits], name: "logits"))
    }
    if vit.outputs.contains("features") {
      builder.addOutput(
        "features",
        try builder.append(.reshape(Reshape([width])), [features], name: "features.flat"))
    }
    if vit.outputs.contains("tokens") { builder.addOutput("tokens", final) }
  }
}
