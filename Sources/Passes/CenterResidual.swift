import Diagnostics
import IR

extension Pass {
  /// Makes every row of the residual stream have mean zero, so that a layer norm has only to
  /// divide, and moves that division into the fused linear layer that reads it.
  ///
  ///     %y: f32[197,768] = fused_linear %a, %w, %b, %x {bias = true, residual = true}
  ///     %h: f32[197,768] = layer_norm %y {epsilon = 1e-06}
  ///     %z: f32[197,3072] = fused_linear %h, %v, %c {bias = true}
  /// becomes
  ///     %y.weight: f32[768,768] = center %w {axis = 0}
  ///     %y.bias: f32[768] = center %b
  ///     %y: f32[197,768] = fused_linear %a, %y.weight, %y.bias, %x {bias = true, residual = true}
  ///     %z: f32[197,3072] = fused_linear %y, %v, %c {epsilon = 1e-06, bias = true}
  /// where `%x` and everything else that is written to the stream is centred likewise.
  ///
  /// `norm(x) = norm(x - mean(x))`, so readers that normalize cannot see that the mean is gone; and
  /// with mean zero the variance is the mean square. Subtracting the mean is linear: it can be done
  /// to each addend, and `mean_n (W a + b)[n] = (mean_n W[n, :]) a + mean_n b[n]`.
  ///
  /// The stream of a norm is what its input is added, sliced, joined or averaged from, and what is
  /// made of those. Declines for the whole stream where anything but a layer norm reads it (raw
  /// tokens that are returned, a head without a norm, an RMS norm, which sees the mean) or
  /// where something that cannot be centred writes to it (an activation, the image). A norm that
  /// writes to it, as before the blocks of CLIP, gets a `center` after it, at run time, provided
  /// that more norms become row scales.
  public static let centerResidual = Pass(
    "center-residual", "mean-free residual stream, layer norms as row scales", .fused, center)
}

@Sendable private func center(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  var streams: [Set<Value>] = []
  let facts = GraphFacts(graph)
  let candidates = graph.firstResults.filter { isRowScale($0, facts) }
  for norm in candidates {
    let x = graph[norm].operands[0]
    guard !streams.contains(where: { $0.contains(x) }),
      let stream = ResidualStream(x, facts, .centred).values
    else {
      continue
    }
    let scales = candidates.count { stream.contains(graph[$0].operands[0]) }
    guard stream.count(where: { isUncentredNorm(graph[$0].node, graph) }) < scales else { continue }
    streams.append(stream)
  }
  let centred = context.take(streams).reduce(into: Set<Value>()) { $0.formUnion($1) }
  guard !centred.isEmpty else { return graph }
  let norms = Set(candidates.filter { centred.contains(graph[$0].operands[0]) })
  var tables: [Value: Value] = [:]
  return try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    var operands = rewriter[node.operands]
    var op = node.op
    if case .fusedLinear(var fusedLinear) = op, norms.contains(node.operands[0]),
      let norm = NormNode(graph[node.operands[0]].node, in: graph)
    {
      fusedLinear.prologue.epsilon = norm.norm.epsilon
      op = .fusedLinear(fusedLinear)
      operands[0] = rewriter[norm.x]
    }
    if centred.contains(rewriter.current) {
      if isUncentredNorm(node, graph) {
        let norm = try rewriter.append(op, operands, name: "\(node.name).uncentred")
        return try rewriter.append(.center(Center()), [norm], name: node.name)
      }
      try ResidualStream.map(
        &operands, of: node, facts, matrix: .center(Center(axis: 0)), vector: .center(Center()),
        names: ("weight", "centred"), &tables, &rewriter)
    }
    return op == node.op && operands == rewriter[node.operands]
      ? nil : try rewriter.append(op, operands, name: node.name)
  }.graph
}

/// `true` iff `node` is a norm whose rows have another mean than zero.
private func isUncentredNorm(_ node: Node, _ graph: Graph) -> Bool {
  NormNode(node, in: graph).map { !($0.norm.ignoresMean && $0.isPlain) } ?? false
}

/// `true` iff `value` is a norm that only has to divide rows of mean zero, and that fused linear
/// layers alone read, as their rows.
private func isRowScale(_ value: Value, _ facts: GraphFacts) -> Bool {
  guard let norm = NormNode(facts.graph[value].node, in: facts.graph), norm.norm.ignoresMean,
    norm.isPlain, !facts.isConstant(value)
  else { return false }
  return facts.isRead(value, onlyAsOperand: 0, by: isLinearWithoutRowScale)
}
