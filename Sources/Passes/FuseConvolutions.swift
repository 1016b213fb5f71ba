import Diagnostics
import IR

extension Pass {
  /// Makes each convolution, with the residual after it, one fused convolution.
  ///
  ///     %y: f32[3136,256] = conv2d %a, %w {width = 56}
  ///     %z: f32[3136,256] = add %y, %x
  /// becomes
  ///     %z: f32[3136,256] = convolution %a, %w, %x {width = 56, kernel = [1, 1], residual = true}
  ///
  /// The same sums; the addition is done while the result is in registers. A sum is fused only
  /// where it alone reads the convolution; of a sum of two the later one takes the other as its
  /// residual. Convolutions whose weight or bias is not a constant stay as they are.
  public static let fuseConvolutions = Pass(
    "fuse-convolutions", "convolutions with their residuals", .fused, fuse)
}

/// What one fused convolution replaces.
private struct Fusion {
  var convolution: Value
  var residual: Value?
}

@Sendable private func fuse(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  let facts = GraphFacts(graph)
  let sites = context.take(graph.firstResults.filter { isConstantConvolution($0, facts) })
  var fusions: [Value: Fusion] = [:]
  for site in sites { fusions[site] = Fusion(convolution: site) }
  for value in graph.firstResults {
    let node = graph[value]
    guard case .add = node.op, graph[node.operands[1]].type == node.type else { continue }
    for (layer, residual) in [
      (node.operands[0], node.operands[1]), (node.operands[1], node.operands[0]),
    ].sorted(by: { $0.0 > $1.0 }) {
      guard facts.soleUser(of: layer) == value, let inner = fusions[layer], inner.residual == nil
      else { continue }
      fusions[layer] = nil
      fusions[value] = Fusion(convolution: inner.convolution, residual: residual)
      break
    }
  }
  return try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    guard let fusion = fusions[rewriter.current],
      case .conv2d(let op) = rewriter.source[fusion.convolution].op
    else { return nil }
    let operands = rewriter[rewriter.source[fusion.convolution].operands]
    let kernel = Array(rewriter.type(operands[1]).shape[2...])
    let convolution = Convolution(
      width: op.width, kernel: kernel, stride: op.stride, padding: op.padding,
      epilogue: Epilogue(hasBias: operands.count > 2, hasResidual: fusion.residual != nil))
    return try rewriter.append(
      .convolution(convolution), operands + (fusion.residual.map { [rewriter[$0]] } ?? []),
      name: node.name)
  }.graph
}

/// `true` iff `value` is a convolution, done at run time, whose weight and bias are constants.
private func isConstantConvolution(_ value: Value, _ facts: GraphFacts) -> Bool {
  guard case .conv2d = facts.graph[value].op, !facts.isConstant(value) else { return false }
  return facts.graph[value].operands.dropFirst().allSatisfy(facts.isConstant)
}
