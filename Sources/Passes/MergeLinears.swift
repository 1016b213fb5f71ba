import Diagnostics
import IR

extension Pass {
  /// Merges linear layers that read the same rows into one.
  ///
  ///     %q: f32[197,768] = linear %x, %wq, %bq
  ///     %k: f32[197,768] = linear %x, %wk
  ///     %v: f32[197,768] = linear %x, %wv
  /// becomes
  ///     %q.merged.weight: f32[2304,768] = concatenate %wq, %wk, %wv
  ///     %q.zeros: f32[768] = fill {shape = [768]}     // for a bias that is absent beside others
  ///     %q.merged.bias: f32[2304] = concatenate %bq, %q.zeros, %q.zeros
  ///     %q.merged: f32[197,2304] = linear %x, %q.merged.weight, %q.merged.bias
  ///     %q: f32[197,768] = slice %q.merged {axis = 1, start = 0, count = 768}  // %k, %v likewise
  ///
  /// One matmul reads the rows once, and its panels follow each other in memory. Left out are
  /// layers whose weight or bias is not a constant, and results of the graph, which must be in
  /// memory of their own. In the last block, where only the class token asks, queries read one row
  /// and stay by themselves.
  public static let mergeLinears = Pass(
    "merge-qkv", "linear layers that read the same rows into one", .imported, merge)
}

@Sendable private func merge(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  let facts = GraphFacts(graph)
  var groups: [[Value]] = []
  for x in graph.values where !facts.isConstant(x) {
    let members = facts.users[x].filter {
      facts.isConstantLinear(graph[$0].node) && graph[$0].operands[0] == x && !facts.isOutput[$0]
    }
    if (2...mostParts).contains(members.count) { groups.append(members) }
  }
  var place: [Value: (group: Int, start: Int)] = [:]
  let taken = Array(context.take(groups))
  for (index, group) in taken.enumerated() {
    var start = 0
    for member in group {
      place[member] = (index, start)
      start += graph[member].type.shape[1]
    }
  }
  var merged: [Int: Value] = [:]
  return try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    guard let (group, start) = place[rewriter.current] else { return nil }
    let whole: Value
    if let known = merged[group] {
      whole = known
    } else {
      whole = try rewriter.appendMerged(taken[group], name: node.name)
      merged[group] = whole
    }
    return try rewriter.append(
      .slice(Slice(axis: 1, start: start, count: node.type.shape[1])), [whole], name: node.name)
  }.graph
}

extension GraphRewriter {
  /// Appends one linear layer for all of `members`, linear layers of the old graph with one input.
  fileprivate mutating func appendMerged(
    _ members: [Value], name: String
  ) throws(Diagnostic) -> Value {
    let nodes = members.map { source[$0] }
    var weights: [Value] = []
    var biases: [Value] = []
    for node in nodes {
      weights.append(try constant(node.operands[1]))
    }
    var operands = [
      self[nodes[0].operands[0]],
      try append(.concatenate(Concatenate()), weights, name: "\(name).merged.weight"),
    ]
    if nodes.contains(where: { $0.operands.count > 2 }) {
      for node in nodes {
        let bias =
          node.operands.count > 2
          ? try constant(node.operands[2])
          : try append(.fill(Fill(0, shape: [node.type.shape[1]])), name: "\(node.name).zeros")
        biases.append(bias)
      }
      operands.append(
        try append(.concatenate(Concatenate()), biases, name: "\(name).merged.bias"))
    }
    return try append(.linear(Linear()), operands, name: "\(name).merged")
  }
}
