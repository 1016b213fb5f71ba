import Diagnostics
import IR

extension Pass {
  /// Folds a factor for each column into the linear layer before it.
  ///
  ///     %y: f32[197,768] = linear %x, %w, %b
  ///     %z: f32[197,768] = multiply %y, %gamma
  /// becomes
  ///     %z.weight: f32[768,768] = multiply %w, %gamma {axis = 0}
  ///     %z.bias: f32[768] = multiply %b, %gamma
  ///     %z: f32[197,768] = linear %x, %z.weight, %z.bias
  ///
  /// `gamma[n] * (sum_k w[n, k] x[k] + b[n])` is the layer with row `n` of its weight, and its
  /// bias, multiplied by `gamma[n]`. Declines unless all three are constants, and where `%y` has
  /// another reader. LayerScale: Touvron et al. 2021, arXiv:2103.17239.
  public static let foldLayerScale = Pass(
    "fold-layer-scale", "LayerScale into the linear layer before it", .imported, fold)
}

@Sendable private func fold(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  try graph.rewriting(&context, repeated: true) {
    (node, rewriter) throws(Diagnostic) -> Value? in
    guard case .multiply(let multiply) = node.op, multiply.axis == -1 || multiply.axis == 1,
      let linear = rewriter.soleLinear(node.operands[0]),
      rewriter.constants[node.operands[1].index],
      rewriter.source[node.operands[1]].type.rank == 1
    else { return nil }
    let gamma = rewriter[node.operands[1]]
    var operands = rewriter[linear.operands]
    operands[1] = try rewriter.append(
      .multiply(Multiply(axis: 0)), [operands[1], gamma], name: "\(node.name).weight")
    if operands.count > 2 {
      operands[2] = try rewriter.append(
        .multiply(Multiply()), [operands[2], gamma], name: "\(node.name).bias")
    }
    return try rewriter.append(.linear(Linear()), operands, name: node.name)
  }
}
