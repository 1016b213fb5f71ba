import Diagnostics
import IR

extension Pass {
  /// Recognizes the textbook's attention.
  ///
  ///     %qh: f32[12,197,64] = split_heads %q {heads = 12}     // and %kh, %vh likewise
  ///     %s: f32[12,197,197] = matmul %qh, %kh {transposed = true}
  ///     %c: f32[12,197,197] = scale %s {factor = 0.125}
  ///     %p: f32[12,197,197] = softmax %c
  ///     %o: f32[12,197,64] = matmul %p, %vh
  ///     %y: f32[197,768] = merge_heads %o
  /// becomes
  ///     %y: f32[197,768] = attention %q, %k, %v {heads = 12, scale = 0.125}
  ///
  /// The scale may be absent. A constant that is added to the scores becomes an operand:
  ///
  ///     %b: f32[12,197,197] = add %c, %table
  ///     %p: f32[12,197,197] = softmax %b
  /// becomes
  ///     %y: f32[197,768] = attention %q, %k, %v, %table {heads = 12, scale = 0.125, bias = true}
  ///
  /// Where something reads `%p` as well, after the attention, or it is
  /// returned, it becomes the attention's second result:
  ///
  ///     %y: f32[197,768], %y.weights: f32[12,197,197] = attention %q, %k, %v {…, weights = true}
  ///
  /// Where rows of it alone are read, only these are returned:
  ///
  ///     %c: f32[12,196] = attention_row %p {row = 0, start = 1, count = 196}
  /// becomes
  ///     …, %y.weights: f32[12,1,197] = attention … {…, weights = true, weight_rows = [0, 1]}
  ///     %c: f32[12,196] = attention_row %y.weights {row = 0, start = 1, count = 196}
  ///
  /// Where nobody wants what is made of the values, the weights alone are:
  ///
  ///     …, %p.weights: f32[12,197,197] = attention %q, %k, %k {…, weights = true}
  ///
  /// A softmax that ends at the diagonal makes the attention causal.
  ///
  /// Declines where what is added depends on the input, and where anything else between scores and
  /// result has another reader, since it is then wanted itself, and where of a causal one there is
  /// a bias, or `%p` is read too.
  public static let fuseAttention = Pass(
    "fuse-attention", "the textbook's attention as one operation", .imported, fuse)
}

@Sendable private func fuse(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  let users = graph.users()
  // The first query of the weights that are returned, by the softmax that they were.
  var firstRows: [Value: Int] = [:]
  return try graph.rewriting(&context, required: true) {
    (node, rewriter) throws(Diagnostic) -> Value? in
    if case .attentionRow(var row) = node.op, let first = firstRows[node.operands[0]], first > 0 {
      row.row -= first
      return try rewriter.append(
        .attentionRow(row), [rewriter[node.operands[0]]], name: node.name)
    }
    if case .softmax(let normalized) = node.op, !normalized.isCausal {
      let weights = rewriter.current
      // What is made of the values is nobody's wish: any values will do, such as the keys.
      guard !users[weights].contains(where: { graph[$0].op.isMatMul }),
        let scores = AttentionScores(node, rewriter)
      else { return nil }
      let rows = rowsRead(of: weights, users[weights], products: 0, in: graph)
      if let rows { firstRows[weights] = rows.lowerBound }
      let result = try rewriter.append(
        scores.attention(hasWeights: true, rows), scores.operands(values: scores.keys),
        name: node.name)
      return result.sibling(1)
    }
    guard case .mergeHeads = node.op,
      let weighted = rewriter.soleProducer(of: node.operands[0]),
      case .matMul(let second) = weighted.op, !second.transposed,
      case let softmax = rewriter.source[weighted.operands[0]].node,
      case .softmax(let normalized) = softmax.op,
      let scores = AttentionScores(softmax, rewriter),
      case let heads = rewriter.source[weighted.operands[1]],
      case .splitHeads(let split) = heads.op, split.heads == scores.heads,
      case let values = rewriter[heads.operands[0]],
      rewriter.type(values) == rewriter.type(scores.keys)
    else { return nil }
    let weights = weighted.operands[0]
    let current = rewriter.current
    guard users[weights].count(where: { $0 < current }) == 1 else { return nil }
    let hasWeights = rewriter.useCounts[weights] > 1
    if normalized.isCausal, hasWeights || scores.bias != nil { return nil }
    let rows = hasWeights ? rowsRead(of: weights, users[weights], products: 1, in: graph) : nil
    if let rows { firstRows[weights] = rows.lowerBound }
    let result = try rewriter.append(
      scores.attention(hasWeights: hasWeights, rows), scores.operands(values: values),
      name: node.name)
    if hasWeights { rewriter.replace(weights, by: result.sibling(1)) }
    return result
  }
}

/// What a softmax of scores of heads is made of, in the graph that is being made.
private struct AttentionScores {
  let heads: Int
  let queries: Value
  let keys: Value
  let factor: Float
  let bias: Value?
  let isCausal: Bool

  /// `nil` where the softmax is of anything else.
  init?(_ softmax: Node, _ rewriter: GraphRewriter) {
    guard var scores = rewriter.soleProducer(of: softmax.operands[0]) else { return nil }
    var bias: Value?
    if case .add = scores.op, scores.type == rewriter.source[scores.operands[1]].type,
      let position = scores.operands.firstIndex(where: { rewriter.constants[$0.index] })
    {
      guard let sum = rewriter.soleProducer(of: scores.operands[1 - position]) else { return nil }
      bias = rewriter[scores.operands[position]]
      scores = sum
    }
    var factor: Float = 1
    if case .scale(let scale) = scores.op {
      guard let product = rewriter.soleProducer(of: scores.operands[0]) else { return nil }
      factor = scale.factor
      scores = product
    }
    guard case .matMul(let first) = scores.op, first.transposed,
      case let (queries, keys) = (
        rewriter.source[scores.operands[0]], rewriter.source[scores.operands[1]]
      ),
      case .splitHeads(let ofQueries) = queries.op, case .splitHeads(let ofKeys) = keys.op,
      ofQueries.heads == ofKeys.heads
    else { return nil }
    heads = ofQueries.heads
    self.queries = rewriter[queries.operands[0]]
    self.keys = rewriter[keys.operands[0]]
    self.factor = factor
    self.bias = bias
    isCausal = if case .softmax(let op) = softmax.op { op.isCausal } else { false }
  }

  func operands(values: Value) -> [Value] {
    [queries, keys, values] + (bias.map { [$0] } ?? [])
  }

  func attention(hasWeights: Bool, _ rows: Range<Int>?) -> Op {
    .attention(
      Attention(
        heads: heads, scale: factor, hasWeights: hasWeights,
        weightRows: rows.map { [$0.lowerBound, $0.count] }, hasBias: bias != nil,
        isCausal: isCausal))
  }
}

extension Op {
  fileprivate var isMatMul: Bool { if case .matMul = self { true } else { false } }
}

/// The smallest range of queries whose weights are read besides by so many products with values;
/// `nil`: of all.
private func rowsRead(
  of weights: Value, _ users: [Value], products: Int, in graph: Graph
) -> Range<Int>? {
  guard !graph.outputs.contains(where: { $0.value == weights }) else { return nil }
  var rows: [Int] = []
  var others = 0
  for user in users {
    if case .attentionRow(let op) = graph[user].op { rows.append(op.row) } else { others += 1 }
  }
  guard others == products else { return nil }
  guard let first = rows.min(), let last = rows.max() else { return nil }
  return first..<last + 1
}
