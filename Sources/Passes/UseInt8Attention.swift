import Diagnostics
import IR

extension Pass {
  /// Multiplies queries, keys, powers and values of attentions as integers of 8 bits.
  ///
  ///     %y: bf16[257,768] = attention %q, %k, %v {heads = 12, base2 = true}
  /// becomes
  ///     %y: bf16[257,768] = attention %q, %k, %v {heads = 12, base2 = true, quantized = true}
  ///
  /// For `--attention int8` alone: it errs more than bf16 does, and with few tokens gains little.
  ///
  /// Declines where the weights are returned, where a sum has no room for the products, where
  /// fewer than 32 queries read the keys, all of which would be quantized for them, and in causal
  /// attentions: values have the mean of all tokens subtracted, also of those that follow.
  public static let useInt8Attention = useInt8Attention(except: [])

  /// The same pass, with the operations that it leaves alone, by name.
  public static func useInt8Attention(except names: Set<String>) -> Pass {
    var pass = Pass(
      "use-int8-attention", "the matmuls of attentions in 8-bit integers", .fused
    ) { (graph, context) throws(Diagnostic) in
      try graph.rewriting(&context) { (node, rewriter) throws(Diagnostic) -> Value? in
        guard case .attention(var attention) = node.op, !attention.isQuantized,
          !names.contains(node.name), isWorthIntegers(attention, node, graph)
        else { return nil }
        attention.isQuantized = true
        return try rewriter.append(
          .attention(attention), rewriter[node.operands], name: node.name)
      }
    }
    pass.option = "--attention int8"
    return pass
  }
}

/// The fewest queries of a window for which keys and values are quantized.
private let fewestQueries = 32

/// `true` iff an attention may be quantized, and gains by it.
private func isWorthIntegers(_ attention: Attention, _ node: Node, _ graph: Graph) -> Bool {
  let (queries, keys) = (graph[node.operands[0]].type, graph[node.operands[1]].type)
  return !attention.hasWeights && !attention.isCausal
    && queries.shape[0] / attention.windows >= fewestQueries
    && keys.shape[0] / attention.windows <= Attention.mostQuantized
    && queries.shape[1] / attention.heads <= Attention.mostQuantized
}
