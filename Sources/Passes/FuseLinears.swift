import Diagnostics
import IR

extension Pass {
  /// Makes each linear layer, with the activation and the residual after it, one fused linear
  /// layer.
  ///
  ///     %h: f32[197,3072] = linear %x, %w, %b
  ///     %g: f32[197,3072] = activation %h {function = "gelu"}
  ///     %p: f32[197,768] = linear %a, %v, %c
  ///     %y: f32[197,768] = add %r, %p
  /// becomes
  ///     %g: f32[197,3072] = fused_linear %x, %w, %b {activation = "gelu", bias = true}
  ///     %y: f32[197,768] = fused_linear %a, %v, %c, %r {bias = true, residual = true}
  ///
  /// The same sums in the same order; what was a pass over memory of its own is done while the
  /// result is in registers. A constant table is a residual too. An activation or a sum is fused
  /// only where it alone reads the layer; of a sum of two layers the later one takes the other as
  /// its residual. Layers whose weight or bias is not a constant stay as they are.
  public static let fuseLinears = Pass(
    "fuse-linears", "linear layers with activation and residual as fused linear layers",
    from: .imported, to: .fused, fuse)
}

/// What one fused linear layer replaces.
private struct Fusion {
  var linear: Value
  var activation: ActivationFunction?
  var residual: Value?
}

@Sendable private func fuse(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  for node in graph.nodes where !node.op.isAllowed(in: .fused) {
    throw Diagnostic(
      "'\(node.op.mnemonic)' belongs to no attention that can be fused", at: .node(node.name),
      hint: "scores and probabilities of an attention may have no other reader")
  }
  let fusions = findFusions(graph)
  return try graph.rewriting(&context, form: .fused, required: true) {
    (node, rewriter) throws(Diagnostic) -> Value? in
    guard let fusion = fusions[rewriter.current] else { return nil }
    let linear = rewriter.source[fusion.linear]
    let fusedLinear = FusedLinear(
      epilogue: Epilogue(
        hasBias: linear.operands.count > 2, activation: fusion.activation,
        hasResidual: fusion.residual != nil))
    return try rewriter.append(
      .fusedLinear(fusedLinear),
      rewriter[linear.operands] + (fusion.residual.map { [rewriter[$0]] } ?? []), name: node.name)
  }
}

/// The fused linear layer that each value becomes, by the value that it replaces; a layer that its
/// reader takes along is not among them.
private func findFusions(_ graph: Graph) -> [Value: Fusion] {
  let facts = GraphFacts(graph)
  var fusions: [Value: Fusion] = [:]
  for value in graph.firstResults where !facts.isConstant(value) {
    let node = graph[value].node
    if facts.isConstantLinear(node) {
      fusions[value] = Fusion(linear: value)
    } else if case .activation(let activation) = node.op {
      guard facts.soleUser(of: node.operands[0]) == value,
        let inner = fusions[node.operands[0]], inner.activation == nil, inner.residual == nil
      else { continue }
      fusions[node.operands[0]] = nil
      fusions[value] = Fusion(linear: inner.linear, activation: activation.function)
    } else if case .add = node.op, graph[node.operands[1]].type == node.type {
      for (layer, residual) in [
        (node.operands[0], node.operands[1]), (node.operands[1], node.operands[0]),
      ].sorted(by: { $0.0 > $1.0 }) {
        guard facts.soleUser(of: layer) == value, let inner = fusions[layer],
          inner.residual == nil
        else { continue }
        fusions[layer] = nil
        fusions[value] = Fusion(
          linear: inner.linear, activation: inner.activation, residual: residual)
        break
      }
    }
  }
  return fusions
}
