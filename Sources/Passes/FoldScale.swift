import Diagnostics
import IR

extension Pass {
  /// Folds a number into the linear layer before it, through a sum of two such layers too.
  ///
  ///     %a: f32[1,1000] = linear %x, %wa, %ba
  ///     %b: f32[1,1000] = linear %y, %wb, %bb
  ///     %s: f32[1,1000] = add %a, %b
  ///     %z: f32[1,1000] = scale %s {factor = 0.5}
  /// becomes two linear layers of scaled weights and biases, and `%z` their sum: the mean of the
  /// two heads of a distilled DeiT (Touvron et al. 2020, arXiv:2012.12877) costs nothing.
  ///
  /// `f * (W x + b) = (f W) x + (f b)`. Declines where the layer or the sum has another reader, or
  /// its weight or bias is not a constant.
  public static let foldScale = Pass(
    "fold-scale", "a number into the linear layers before it", .imported, fold)
}

@Sendable private func fold(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  try graph.rewriting(&context, repeated: true) {
    (node, rewriter) throws(Diagnostic) -> Value? in
    guard case .scale(let scale) = node.op, !rewriter.constants[node.operands[0].index] else {
      return nil
    }
    if let linear = rewriter.soleLinear(node.operands[0]) {
      return try rewriter.appendScaled(linear, by: scale.factor, name: node.name)
    }
    guard let sum = rewriter.soleProducer(of: node.operands[0]), case .add = sum.op,
      let a = rewriter.soleLinear(sum.operands[0]), let b = rewriter.soleLinear(sum.operands[1])
    else { return nil }
    let operands = [
      try rewriter.appendScaled(a, by: scale.factor, name: "\(a.name).scaled"),
      try rewriter.appendScaled(b, by: scale.factor, name: "\(b.name).scaled"),
    ]
    return try rewriter.append(.add(Add()), operands, name: node.name)
  }
}

extension GraphRewriter {
  /// Appends the linear layer `linear` of the old graph with its result multiplied by `factor`.
  mutating func appendScaled(
    _ linear: Node, by factor: Float, name: String
  ) throws(Diagnostic) -> Value {
    var operands = self[linear.operands]
    for (index, what) in [(1, "weight"), (2, "bias")] where index < operands.count {
      operands[index] = try append(
        .scale(Scale(factor)), [operands[index]], name: "\(name).\(what)")
    }
    return try append(.linear(Linear()), operands, name: name)
  }
}
