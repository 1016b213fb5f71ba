import Diagnostics
import IR

extension Pass {
  /// Lets convolutions normalize their own input.
  ///
  ///     %h: f32[3136,64] = normalize %x, %f {activation = "relu"}
  ///     %y: f32[3136,64] = convolution %h, %w {width = 56, kernel = [3, 3], …}
  /// becomes
  ///     %y: f32[3136,64] = convolution %x, %w, %f
  ///       {width = 56, kernel = [3, 3], …, normalized = true, activation = "relu"}
  ///
  /// A convolution copies its image anyway, where it has a border, and block by block in the caches
  /// otherwise; the normalized tensor never goes through memory. Declines where anything but
  /// convolutions reads `%h`, which then has to be made, and where something is added to it.
  public static let normalizeInConvolutions = Pass(
    "normalize-in-convolutions", "normalizations into the convolutions that read them", .fused,
    fuse)
}

@Sendable private func fuse(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  let facts = GraphFacts(graph)
  let sites = graph.firstResults.filter { value in
    guard case .normalize = graph[value].op, graph[value].operands.count == 2,
      !facts.isConstant(value)
    else { return false }
    return facts.isRead(value, onlyAsOperand: 0) { reader in
      guard case .convolution(let op) = reader.op else { return false }
      return op.width != nil && !op.prologue.isNormalized
    }
  }
  let taken = Set(context.take(sites))
  return try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    guard case .convolution(var op) = node.op, taken.contains(node.operands[0]),
      case .normalize(let normalize) = rewriter.source[node.operands[0]].op
    else { return nil }
    op.prologue.isNormalized = true
    op.prologue.activation = normalize.activation
    let inner = rewriter[rewriter.source[node.operands[0]].operands]
    let operands = rewriter[node.operands]
    return try rewriter.append(
      .convolution(op), [inner[0], operands[1], inner[1]] + operands.dropFirst(2),
      name: node.name)
  }.graph
}
