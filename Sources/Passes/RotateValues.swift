import Diagnostics
import IR

extension Pass {
  /// Rotates the values of each head, and back in the projection after the attention.
  ///
  ///     %v: f32[197,768] = linear %x, %wv, %bv
  ///     %a: f32[197,768] = attention %q, %k, %v {heads = 12}
  ///     %y: f32[197,768] = linear %a, %w, %b
  /// becomes
  ///     %v.rotated: f32[768,768] = hadamard %wv {axis = 0, block = 64}
  ///     %v.bias: f32[768] = hadamard %bv {block = 64}
  ///     %v: f32[197,768] = linear %x, %v.rotated, %v.bias
  ///     %a: f32[197,768] = attention %q, %k, %v {heads = 12}
  ///     %y.rotated: f32[768,768] = hadamard %w {block = 64}
  ///     %y: f32[197,768] = linear %a, %y.rotated, %b
  ///
  /// Attention is linear in its values, head by head: `P (v R) (w R)^T = P v w^T` since
  /// `R R^T = 1`. What the projection reads is then of one size within a head, which 8-bit integers
  /// hold better. Declines unless the attention is read by one linear layer only, the values by the
  /// attention only, and weights and biases are constants.
  public static let rotateValues = rotateValues(except: [])

  /// The same but where these operations, by the names that they have once they are fused, project
  /// an attention: in bf16 each channel is as precise as it is, and a rotation would make the small
  /// ones as coarse as the large.
  public static func rotateValues(except names: Set<String>) -> Pass {
    var pass = Pass("rotate-values", "the values of each head rotated", .imported) {
      (graph, context) throws(Diagnostic) in
      try rotate(graph, &context, except: names)
    }
    pass.precisions = [.int8]
    return pass
  }
}

@Sendable private func rotate(
  _ graph: Graph, _ context: inout PassContext, except names: Set<String>
) throws(Diagnostic) -> Graph {
  let facts = GraphFacts(graph)
  // A site is the values' linear layer and the projection; both change together.
  let sites = graph.firstResults.compactMap {
    value -> (values: Value, projection: Value, head: Int)? in
    guard case .attention(let attention) = graph[value].op,
      let projection = facts.soleUser(of: value),
      facts.isConstantLinear(graph[projection].node), graph[projection].operands[0] == value,
      !isExcepted(projection, names, facts),
      case let values = graph[value].operands[2],
      facts.isConstantLinear(graph[values].node), facts.soleUser(of: values) == value
    else { return nil }
    if case .hadamard = graph[graph[values].operands[1]].op { return nil }
    return (values, projection, graph[value].type.shape[1] / attention.heads)
  }
  var (written, read): ([Value: Int], [Value: Int]) = ([:], [:])
  for site in context.take(sites) {
    written[site.values] = site.head
    read[site.projection] = site.head
  }
  return try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    var operands = rewriter[node.operands]
    if let head = read[rewriter.current] {
      operands[1] = try rewriter.append(
        .hadamard(Hadamard(block: head)), [operands[1]], name: "\(node.name).rotated")
    }
    if let head = written[rewriter.current] {
      operands[1] = try rewriter.append(
        .hadamard(Hadamard(axis: 0, block: head)), [operands[1]], name: "\(node.name).rotated")
      if operands.count > 2 {
        operands[2] = try rewriter.append(
          .hadamard(Hadamard(block: head)), [operands[2]], name: "\(node.name).bias")
      }
    }
    return operands == rewriter[node.operands]
      ? nil : try rewriter.append(.linear(Linear()), operands, name: node.name)
  }.graph
}

/// `true` iff a linear layer, or what is fused with it, has one of these names.
private func isExcepted(_ linear: Value, _ names: Set<String>, _ facts: GraphFacts) -> Bool {
  guard !names.isEmpty else { return false }
  var value = linear
  while !names.contains(facts.graph[value].name) {
    guard let user = facts.soleUser(of: value) else { return false }
    // A fused linear layer takes an activation and a sum along, and the name of the last of them.
    guard isFused(facts.graph[user].op) else { return false }
    value = user
  }
  return true
}

private func isFused(_ op: Op) -> Bool {
  if case .add = op { return true }
  if case .activation = op { return true }
  return false
}
