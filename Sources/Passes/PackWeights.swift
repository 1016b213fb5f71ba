import Diagnostics
import IR

extension Pass {
  /// Lays the weights of fused linear layers out as the kernels read them.
  ///
  ///     %y: f32[197,3072] = fused_linear %x, %w, %b {bias = true}
  /// becomes
  ///     %y.panels: f32[96,768,32] = pack %w
  ///     %y: f32[197,3072] = fused_linear %x, %y.panels, %b {bias = true, columns = 3072}
  ///
  /// Declines where the weight is not a constant or packed already.
  public static let packWeights = Pass(
    "pack-weights", "weights in the panels that the kernels read", .fused, pack)
}

@Sendable private func pack(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  try graph.rewriting(&context, required: true) {
    (node, rewriter) throws(Diagnostic) -> Value? in
    guard !rewriter.constants[rewriter.current.index], node.operands.count > 1,
      rewriter.constants[node.operands[1].index], let op = packed(node)
    else { return nil }
    var operands = rewriter[node.operands]
    if case .convolution(let convolution) = op, convolution.width == nil {
      // The depth of a planar image is the kernels' own order.
      let shape = rewriter.type(operands[1]).shape
      operands[1] = try rewriter.append(
        .reshape(Reshape([shape[0], shape[1...].reduce(1, *)])), [operands[1]],
        name: "\(node.name).rows")
    }
    operands[1] = try rewriter.append(
      .pack(Pack()), [operands[1]], name: "\(node.name).panels")
    return try rewriter.append(op, operands, name: node.name)
  }
}

/// The operation over a packed weight, or `nil` where it takes none or has one already.
private func packed(_ node: Node) -> Op? {
  let columns = node.type.shape.last
  if case .fusedLinear(var fusedLinear) = node.op, fusedLinear.columns == nil {
    fusedLinear.columns = columns
    return .fusedLinear(fusedLinear)
  }
  if case .convolution(var convolution) = node.op, convolution.columns == nil {
    convolution.columns = columns
    return .convolution(convolution)
  }
  return nil
}
