import Diagnostics
import IR

extension Pass {
  /// Folds scale and shift of a layer norm into the linear layers that read it.
  ///
  ///     %h: f32[197,768] = layer_norm %x, %g, %beta {epsilon = 1e-06}
  ///     %y: f32[197,3072] = linear %h, %w, %b
  /// becomes
  ///     %h: f32[197,768] = layer_norm %x {epsilon = 1e-06}
  ///     %y.weight: f32[3072,768] = multiply %w, %g
  ///     %y.bias = %b + %w @ %beta     // reshape, linear, reshape: constants
  ///     %y: f32[197,3072] = linear %h, %y.weight, %y.bias
  ///
  /// `sum_k w[n, k] (g[k] z[k] + beta[k]) + b[n]` is
  /// `sum_k (w[n, k] g[k]) z[k] + (b[n] + (W beta)[n])`.
  /// Declines where anything but linear layers over constants reads the norm: the scale is then
  /// wanted by the others.
  public static let foldLayerNorm = Pass(
    "fold-layer-norm", "scale and shift of a layer norm into the next linear layers", .imported,
    fold)
}

@Sendable private func fold(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  let facts = GraphFacts(graph)
  // A site is a norm with all linear layers that read it; they change together.
  let sites = graph.firstResults.filter { value in
    guard case .layerNorm = graph[value].op, graph[value].operands.count == 3,
      !facts.isConstant(value), graph[value].operands.dropFirst().allSatisfy(facts.isConstant)
    else { return false }
    return facts.isRead(value, onlyAsOperand: 0, by: facts.isConstantLinear)
  }
  let folded = Set(context.take(sites))
  return try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    if case .layerNorm(let norm) = node.op, folded.contains(rewriter.current) {
      return try rewriter.append(.layerNorm(norm), [rewriter[node.operands[0]]], name: node.name)
    }
    guard case .linear = node.op, folded.contains(node.operands[0]) else { return nil }
    let norm = rewriter.source[node.operands[0]]
    let operands = rewriter[node.operands]
    let weight = try rewriter.append(
      .multiply(Multiply()), [operands[1], rewriter[norm.operands[1]]],
      name: "\(node.name).weight")
    let bias = try rewriter.appendShiftedBias(
      rewriter[norm.operands[2]], through: operands[1],
      bias: operands.count > 2 ? operands[2] : nil, name: "\(node.name).bias")
    return try rewriter.append(
      .linear(Linear()), [operands[0], weight, bias], name: node.name)
  }.graph
}
