import Diagnostics
import IR
import SeededRandom

/// A small text tower as the importers build it, every choice open: tokens, positions, blocks of
/// attention and MLP, the row of one token, a projection.
public struct SmallText: Sendable, CustomStringConvertible {
  /// Whose row is projected: that of the first token 1, of the largest token, or the last.
  public enum Pooling: String, CaseIterable, Sendable { case first, largest, last }

  /// The number of tokens.
  public var length: Int
  /// The number of tokens that there are.
  public var vocabulary: Int
  /// The number of blocks.
  public var depth: Int
  /// The number of heads.
  public var heads: Int
  /// The width of a token.
  public var dim: Int
  /// `true` iff a token reads nothing of what follows it.
  public var isCausal: Bool
  /// Whose row is projected.
  public var pooling: Pooling
  /// `true` iff norms divide by the root of the mean square.
  public var hasRMSNorm: Bool
  /// `true` iff all tokens are returned too.
  public var returnsTokens: Bool

  /// A tower with every choice drawn.
  ///
  /// - Parameters:
  ///   - longest: of its texts, in tokens.
  ///   - narrowest: the least width of a head; the widest are of three times that.
  public init(seed: UInt64, longest: Int = 14, narrowest: Int = 2) {
    var random = SplitMix64(seed: seed)
    length = Int.random(in: 1...longest, using: &random)
    vocabulary = Int.random(in: 2...20, using: &random)
    depth = Int.random(in: 1...3, using: &random)
    heads = [1, 2, 4].randomElement(using: &random) ?? 1
    dim = heads * narrowest * Int.random(in: 1...3, using: &random)
    isCausal = Bool.random(using: &random)
    pooling = Pooling.allCases.randomElement(using: &random) ?? .first
    hasRMSNorm = Int.random(in: 0..<3, using: &random) == 0
    returnsTokens = Int.random(in: 0..<4, using: &random) == 0
  }

  /// All choices, in a line.
  public var description: String {
    "\(length) of \(vocabulary) depth \(depth) dim \(heads)x\(dim / heads) causal \(isCausal) "
      + "\(pooling) RMS \(hasRMSNorm) tokens \(returnsTokens)"
  }

  /// Builds the imported graph.
  public func graph() throws(Diagnostic) -> Graph {
    var build = Building(text: self)
    return try build.graph()
  }
}

private struct Building {
  let text: SmallText
  var builder = GraphBuilder(name: "small", form: .imported)

  init(text: SmallText) { self.text = text }

  mutating func weight(_ name: String, _ shape: Int...) throws(Diagnostic) -> Value {
    try builder.append(.weight(Weight(tensor: name, shape: shape)), name: name)
  }

  mutating func linear(
    _ x: Value, _ name: String, out: Int, bias: Bool = true
  ) throws(Diagnostic) -> Value {
    var operands = [x, try weight("\(name).weight", out, builder.type(x).shape[1])]
    if bias { operands.append(try weight("\(name).bias", out)) }
    return try builder.append(.linear(Linear()), operands, name: name)
  }

  mutating func norm(_ x: Value, _ name: String) throws(Diagnostic) -> Value {
    let scale = try weight("\(name).weight", text.dim)
    if text.hasRMSNorm {
      return try builder.append(.rmsNorm(RMSNorm(epsilon: 1e-6)), [x, scale], name: name)
    }
    let operands = [x, scale, try weight("\(name).bias", text.dim)]
    return try builder.append(.layerNorm(LayerNorm(epsilon: 1e-6)), operands, name: name)
  }

  mutating func graph() throws(Diagnostic) -> Graph {
    let ids = try builder.append(
      .input(Input(type: TensorType(.i32, [text.length]), limit: text.vocabulary)), name: "ids")
    let table = try weight("token_embedding", text.vocabulary, text.dim)
    let positions = try weight("position_embedding", text.length, text.dim)
    var x = try builder.append(.embedding(Embedding()), [table, ids], name: "tokens")
    x = try builder.append(.add(Add()), [x, positions], name: "embed")
    for index in 0..<text.depth { x = try block(x, "blocks.\(index)") }
    if text.returnsTokens { builder.addOutput("tokens", try norm(x, "final")) }
    let picked =
      switch text.pooling {
      case .first:
        try builder.append(.pickRow(PickRow(token: 1)), [x, ids], name: "pick")
      case .largest: try builder.append(.pickRow(PickRow()), [x, ids], name: "pick")
      case .last:
        try builder.append(.slice(Slice(start: text.length - 1, count: 1)), [x], name: "pick")
      }
    let row = try norm(picked, "norm")
    builder.addOutput("features", try linear(row, "projection", out: 5, bias: false))
    return builder.graph
  }

  private mutating func block(_ x: Value, _ name: String) throws(Diagnostic) -> Value {
    let normed = try norm(x, "\(name).norm1")
    var heads: [Value] = []
    for part in ["q", "k", "v"] {
      let layer = try linear(normed, "\(name).attn.\(part)", out: text.dim)
      heads.append(
        try builder.append(
          .splitHeads(SplitHeads(heads: text.heads)), [layer], name: "\(name).\(part).heads"))
    }
    var scores = try builder.append(
      .matMul(MatMul(transposed: true)), [heads[0], heads[1]], name: "\(name).scores")
    scores = try builder.append(.scale(Scale(0.7)), [scores], name: "\(name).scaled")
    let weights = try builder.append(
      .softmax(Softmax(isCausal: text.isCausal)), [scores], name: "\(name).softmax")
    let mixed = try builder.append(
      .matMul(MatMul()), [weights, heads[2]], name: "\(name).mixed")
    let merged = try builder.append(
      .mergeHeads(MergeHeads()), [mixed], name: "\(name).merged")
    let attention = try linear(merged, "\(name).attn.proj", out: text.dim)
    let middle = try builder.append(.add(Add()), [x, attention], name: "\(name).attn.residual")
    let wide = try linear(try norm(middle, "\(name).norm2"), "\(name).fc1", out: 3 * text.dim)
    let active = try builder.append(
      .activation(Activation(.quickGelu)), [wide], name: "\(name).act")
    let narrow = try linear(active, "\(name).fc2", out: text.dim)
    return try builder.append(.add(Add()), [middle, narrow], name: "\(name).mlp.residual")
  }
}
