import Diagnostics
import IR

extension Pass {
  /// Folds the scale of the scores, and the base of the softmax, into the queries' weight.
  ///
  ///     %q: f32[197,768] = linear %x, %w, %b
  ///     %y: f32[197,768] = attention %q, %k, %v {heads = 12, scale = 0.125}
  /// becomes
  ///     %q.weight: f32[768,768] = scale %w {factor = 0.18033688}
  ///     %q.bias: f32[768] = scale %b {factor = 0.18033688}
  ///     %q: f32[197,768] = linear %x, %q.weight, %q.bias
  ///     %y: f32[197,768] = attention %q, %k, %v {heads = 12, base2 = true}
  ///
  /// `exp(s z) = 2^(s log2(e) z)`, and the scores are linear in the queries; a rotation of them
  /// (`rope`) is linear too. A constant that is added to the scores is multiplied by `log2(e)` as
  /// well. The factor is computed in `Double` and rounded once. Declines where
  /// `%q` has another reader, or is not a linear layer
  /// over constants, or what is added is no constant; code generation then applies the scale to the
  /// scores.
  public static let foldAttentionScale = Pass(
    "fold-attention-scale", "scale and log2 e into the queries' weight", .imported, fold)
}

@Sendable private func fold(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  let facts = GraphFacts(graph)
  // A site is the queries' linear layer and the attention that reads it; both change together.
  let sites = graph.firstResults.filter { value in
    guard case .attention(let attention) = graph[value].op,
      attention.scale != 1 || !attention.base2
    else { return false }
    let q = facts.rotated(graph[value].operands[0], by: value)
    guard attention.grid == nil, attention.places == nil,
      graph[value][.scores].map(facts.isConstant) ?? true
    else { return false }
    return facts.isConstantLinear(graph[q.value].node) && !facts.isConstant(q.value)
      && facts.soleUser(of: q.value) == q.reader
  }
  var factors: [Value: Float] = [:]
  var attentions: Set<Value> = []
  for site in context.take(sites) {
    guard case .attention(let attention) = graph[site].op else { continue }
    attentions.insert(site)
    let log2e = attention.base2 ? 1 : log2e
    let q = facts.rotated(graph[site].operands[0], by: site).value
    factors[q] = Float(Double(attention.scale) * log2e)
  }
  var biases: [Value: Value] = [:]
  return try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    if let factor = factors[rewriter.current] {
      return try rewriter.appendScaled(node, by: factor, name: node.name)
    }
    guard attentions.contains(rewriter.current), case .attention(var attention) = node.op else {
      return nil
    }
    var operands = rewriter[node.operands]
    if let bias = node[.scores], let position = node.op.position(of: .scores), !attention.base2 {
      // Layers may share it.
      let scaled: Value
      if let known = biases[bias] {
        scaled = known
      } else {
        scaled = try rewriter.append(
          .scale(Scale(Float(log2e))), [rewriter[bias]], name: "\(node.name).scores")
        biases[bias] = scaled
      }
      operands[position] = scaled
    }
    attention.scale = 1
    attention.base2 = true
    return try rewriter.append(.attention(attention), operands, name: node.name)
  }.graph
}

// log2(e) = 1 / ln 2
private let log2e = 1.442695040888963407359924681

extension GraphFacts {
  /// What `value` is a rotation of, which `reader` alone reads, and the rotation; or both as they
  /// are.
  fileprivate func rotated(_ value: Value, by reader: Value) -> (value: Value, reader: Value) {
    guard case .rope = graph[value].op, soleUser(of: value) == reader else {
      return (value, reader)
    }
    return (graph[value].operands[0], value)
  }
}
