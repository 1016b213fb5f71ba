import Diagnostics
import IR

extension Pass {
  /// Writes a convolution whose window is one pixel as a linear layer of the pixels.
  ///
  ///     %y: f32[49,768] = conv2d %x, %w, %b {width = 7}
  /// becomes
  ///     %y.weight: f32[768,1024] = reshape %w {shape = [768, 1024]}
  ///     %y: f32[49,768] = linear %x, %y.weight, %b
  ///
  /// The same sums; as a linear layer it takes part in everything that is known about those: the
  /// tokens of a hybrid are centred. Declines where the stride is not 1 or there is padding, and
  /// between group norms, which `fuse-convolutions` does better: where a group norm reads `%y`, or
  /// `%x` is a group norm, with an activation or without.
  public static let lowerPointwiseConvolutions = Pass(
    "lower-pointwise-convolutions", "convolutions of single pixels as linear layers", .imported,
    lower)
}

@Sendable private func lower(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  let facts = GraphFacts(graph)
  return try graph.rewriting(&context) { (node, rewriter) throws(Diagnostic) -> Value? in
    guard case .conv2d(let op) = node.op, op.width != nil, op.stride == 1,
      op.padding == Padding(), !isNormalized(node.operands[0], graph),
      !facts.users[rewriter.current].contains(where: { isGroupNorm(graph[$0].node) })
    else { return nil }
    let operands = rewriter[node.operands]
    let shape = rewriter.type(operands[1]).shape
    guard shape[2] == 1, shape[3] == 1 else { return nil }
    let weight = try rewriter.append(
      .reshape(Reshape([shape[0], shape[1]])), [operands[1]], name: "\(node.name).weight")
    return try rewriter.append(
      .linear(Linear()), [operands[0], weight] + operands.dropFirst(2), name: node.name)
  }
}

private func isGroupNorm(_ node: Node) -> Bool {
  if case .groupNorm = node.op { true } else { false }
}

private func isNormalized(_ value: Value, _ graph: Graph) -> Bool {
  if case .activation = graph[value].op { return isGroupNorm(graph[graph[value].operands[0]].node) }
  return isGroupNorm(graph[value].node)
}
