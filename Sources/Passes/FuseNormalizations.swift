import Diagnostics
import IR

extension Pass {
  /// Does in one pass over memory what comes after a normalization: a sum, then an activation.
  ///
  ///     %h: f32[3136,256] = normalize %y, %f
  ///     %p: f32[3136,256] = normalize %s, %g
  ///     %z: f32[3136,256] = add %h, %p
  ///     %x: f32[3136,256] = activation %z {function = "relu"}
  /// becomes
  ///     %x: f32[3136,256] = normalize %y, %f, %s, %g {activation = "relu"}
  ///
  /// The same operations on each element. A sum or an activation is taken along only where it alone
  /// reads the normalization; a second normalization only where nothing else reads that.
  public static let fuseNormalizations = Pass(
    "fuse-normalizations", "sums and activations into the normalizations before them", .fused,
    fuse)
}

@Sendable private func fuse(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  try graph.rewriting(&context, repeated: true) {
    (node, rewriter) throws(Diagnostic) -> Value? in
    if case .activation(let activation) = node.op {
      guard let inner = soleNormalization(node.operands[0], rewriter) else { return nil }
      return try rewriter.append(
        .normalize(Normalize(activation: activation.function)), rewriter[inner.operands],
        name: node.name)
    }
    guard case .add = node.op, rewriter.source[node.operands[1]].type == node.type else {
      return nil
    }
    for (layer, residual) in [
      (node.operands[0], node.operands[1]), (node.operands[1], node.operands[0]),
    ].sorted(by: { $0.0 > $1.0 }) {
      guard let inner = soleNormalization(layer, rewriter), inner.operands.count == 2 else {
        continue
      }
      var operands = rewriter[inner.operands]
      if let other = soleNormalization(residual, rewriter), other.operands.count == 2 {
        operands += rewriter[other.operands]
      } else {
        operands.append(rewriter[residual])
      }
      return try rewriter.append(.normalize(Normalize()), operands, name: node.name)
    }
    return nil
  }
}

/// The normalization without activation that makes `old`, if this is its only use.
private func soleNormalization(_ old: Value, _ rewriter: GraphRewriter) -> Node? {
  guard let node = rewriter.soleProducer(of: old), case .normalize(let normalize) = node.op,
    normalize.activation == nil
  else { return nil }
  return node
}
