import IR

extension Pass {
  /// Lays the weights of contractions out as the kernels read them.
  ///
  ///     %y: f32[197,3072] = contraction %x, %w, %b {bias = true}
  /// becomes
  ///     %y.panels: f32[96,768,32] = pack %w
  ///     %y: f32[197,3072] = contraction %x, %y.panels, %b {bias = true, columns = 3072}
  ///
  /// Declines where the weight is no constant or packed already.
  public static let packWeights = Pass(
    "pack-weights", "weights in the panels that the kernels read", .fused, pack)
}

@Sendable private func pack(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  try graph.rewriting(&context, required: true) {
    (node, rewriter) throws(Diagnostic) -> Value? in
    guard case .contraction(var contraction) = node.op, contraction.columns == nil,
      !rewriter.constants[rewriter.current.index], rewriter.constants[node.operands[1].index]
    else { return nil }
    contraction.columns = node.type.shape[1]
    var operands = rewriter[node.operands]
    operands[1] = try rewriter.append(
      .pack(Pack()), [operands[1]], name: "\(node.name).panels")
    return try rewriter.append(.contraction(contraction), operands, name: node.name)
  }
}
