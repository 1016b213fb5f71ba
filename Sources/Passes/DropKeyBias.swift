import Diagnostics
import IR

extension Pass {
  /// Drops the bias of the keys, which a softmax cannot see.
  ///
  ///     %k: f32[197,768] = linear %x, %w, %b
  ///     %y: f32[197,768] = attention %q, %k, %v {heads = 12}
  /// becomes
  ///     %k: f32[197,768] = linear %x, %w
  ///     %y: f32[197,768] = attention %q, %k, %v {heads = 12}
  ///
  /// `q_t . (k_s + b) = q_t . k_s + q_t . b`: the second term is the same for all keys `s`, and a
  /// softmax does not change when a number is added to the whole row. Declines unless attentions
  /// read `%k`, and as keys only.
  public static let dropKeyBias = Pass(
    "drop-key-bias", "the keys' bias, which a softmax cannot see", .imported, drop)
}

@Sendable private func drop(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  let facts = GraphFacts(graph)
  return try graph.rewriting(&context) { (node, rewriter) throws(Diagnostic) -> Value? in
    guard case .linear = node.op, node.operands.count > 2,
      facts.isRead(
        rewriter.current, onlyAsOperand: 1,
        by: { if case .attention = $0.op { true } else { false } })
    else { return nil }
    return try rewriter.append(
      .linear(Linear()), rewriter[Array(node.operands.prefix(2))], name: node.name)
  }
}
