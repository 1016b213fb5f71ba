import Diagnostics
import IR

extension Pass {
  /// Folds scale and shift of a norm of rows into the linear layers that read it.
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
  /// `sum_k (w[n, k] g[k]) z[k] + (b[n] + (W beta)[n])`. An RMS norm has no shift, and the
  /// bias stays as it is. Declines where anything but linear layers over constants reads the norm:
  /// the scale is then wanted by the others.
  public static let foldNorm = Pass(
    "fold-norm", "scale and shift of a norm into the next linear layers", .imported,
    fold)
}

@Sendable private func fold(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  let facts = GraphFacts(graph)
  // A site is a norm with all linear layers that read it; they change together.
  let sites = graph.firstResults.filter { value in
    guard let norm = NormNode(graph[value].node, in: graph), !norm.isPlain,
      !facts.isConstant(value), norm.affine.allSatisfy(facts.isConstant)
    else { return false }
    return facts.isRead(value, onlyAsOperand: 0, by: facts.isConstantLinear)
  }
  let folded = Set(context.take(sites))
  return try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    if folded.contains(rewriter.current) {
      return try rewriter.append(node.op, [rewriter[node.operands[0]]], name: node.name)
    }
    guard case .linear = node.op, folded.contains(node.operands[0]),
      let norm = NormNode(graph[node.operands[0]].node, in: graph)
    else { return nil }
    let original = rewriter[node.operands]
    var operands = original
    if let scale = norm.scale {
      operands[1] = try rewriter.append(
        .multiply(Multiply()), [original[1], rewriter[scale]], name: "\(node.name).weight")
    }
    if let shift = norm.shift {
      let bias = try rewriter.appendShiftedBias(
        rewriter[shift], through: original[1], bias: original.count > 2 ? original[2] : nil,
        name: "\(node.name).bias")
      operands = [operands[0], operands[1], bias]
    }
    return try rewriter.append(.linear(Linear()), operands, name: node.name)
  }.graph
}
