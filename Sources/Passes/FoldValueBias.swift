import Diagnostics
import IR

extension Pass {
  /// Folds the bias of the values through the projection after the attention.
  ///
  ///     %v: f32[197,768] = linear %x, %wv, %bv
  ///     %a: f32[197,768] = attention %q, %k, %v {heads = 12}
  ///     %y: f32[197,768] = linear %a, %w, %b
  /// becomes
  ///     %v: f32[197,768] = linear %x, %wv
  ///     %a: f32[197,768] = attention %q, %k, %v {heads = 12}
  ///     %y.bias = %b + %w @ %bv       // reshape, linear, reshape: constants
  ///     %y: f32[197,768] = linear %a, %w, %y.bias
  ///
  /// Each row of the softmax sums to 1, so `sum_s p[t, s] (v_s + b) = sum_s p[t, s] v_s + b`, and
  /// the projection carries `b` on as a constant. Declines unless the attention is read by one
  /// linear layer only, the values by the attention only, and weights and biases are constants.
  public static let foldValueBias = Pass(
    "fold-value-bias", "the values' bias through the projection", .imported, fold)
}

@Sendable private func fold(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  let facts = GraphFacts(graph)
  // A site is the values' linear layer and the projection; both change together.
  let sites = graph.firstResults.compactMap { attention -> (values: Value, projection: Value)? in
    guard case .attention = graph[attention].op,
      let projection = facts.soleUser(of: attention),
      facts.isConstantLinear(graph[projection].node), graph[projection].operands[0] == attention
    else { return nil }
    let values = graph[attention].operands[2]
    guard facts.isConstantLinear(graph[values].node), graph[values].operands.count > 2,
      facts.soleUser(of: values) == attention
    else { return nil }
    return (values, projection)
  }
  var stripped: Set<Value> = []
  var biases: [Value: Value] = [:]
  for site in context.take(sites) {
    stripped.insert(site.values)
    biases[site.projection] = graph[site.values].operands[2]
  }
  return try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    var operands = node.operands
    if stripped.contains(rewriter.current) { operands.removeLast() }
    guard operands.count < node.operands.count || biases[rewriter.current] != nil else {
      return nil
    }
    var new = rewriter[operands]
    if let bias = biases[rewriter.current] {
      let shifted = try rewriter.appendShiftedBias(
        rewriter[bias], through: new[1], bias: new.count > 2 ? new[2] : nil,
        name: "\(node.name).bias")
      new = [new[0], new[1], shifted]
    }
    return try rewriter.append(.linear(Linear()), new, name: node.name)
  }.graph
}
