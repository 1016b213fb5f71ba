import Diagnostics
import IR

extension Pass {
  /// Moves the division of an RMS norm into the fused linear layers that read it.
  ///
  ///     %h: f32[197,768] = rms_norm %x {epsilon = 1e-06}
  ///     %z: f32[197,3072] = fused_linear %h, %w, %b {bias = true}
  /// becomes
  ///     %z: f32[197,3072] = fused_linear %x, %w, %b {epsilon = 1e-06, bias = true}
  ///
  /// The scale of a fused linear layer's rows is an RMS norm without a weight, so nothing has to be
  /// known about `%x`. Declines where the norm has a weight, where anything but fused linear layers
  /// reads it, and where one of these scales its rows already.
  public static let fuseRMSNorm = Pass(
    "fuse-rms-norm", "RMS norms as row scales of fused linear layers", .fused, fuse)
}

@Sendable private func fuse(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  let facts = GraphFacts(graph)
  let sites = graph.firstResults.filter { value in
    guard case .rmsNorm = graph[value].op, graph[value].operands.count == 1,
      !facts.isConstant(value)
    else { return false }
    return facts.isRead(value, onlyAsOperand: 0, by: isLinearWithoutRowScale)
  }
  let fused = Set(context.take(sites))
  return try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    guard case .fusedLinear(var fusedLinear) = node.op, let x = node.operands.first,
      fused.contains(x), case .rmsNorm(let norm) = graph[x].op
    else { return nil }
    fusedLinear.prologue.epsilon = norm.epsilon
    var operands = rewriter[node.operands]
    operands[0] = rewriter[graph[x].operands[0]]
    return try rewriter.append(.fusedLinear(fusedLinear), operands, name: node.name)
  }.graph
}

/// `true` iff `node` is a fused linear layer that takes its rows as they are.
func isLinearWithoutRowScale(_ node: Node) -> Bool {
  if case .fusedLinear(let fusedLinear) = node.op {
    fusedLinear.prologue.epsilon == nil
  } else {
    false
  }
}
