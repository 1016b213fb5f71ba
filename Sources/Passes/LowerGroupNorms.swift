import Diagnostics
import IR

extension Pass {
  /// Divides a group norm into what looks at the whole tensor and what is done to each element.
  ///
  ///     %h: f32[3136,64] = group_norm %x, %gamma, %beta {groups = 32, epsilon = 1e-05}
  /// becomes
  ///     %h.moments: f32[56,64] = moments %x {chunk = 112}
  ///     %h.scale_shift: f32[2,64] = group_scale_shift %h.moments, %gamma, %beta {groups = 32, …}
  ///     %h: f32[3136,64] = normalize %x, %h.scale_shift
  ///
  /// The moments can be taken where `%x` is made, the scaling can be done where `%h` is read; later
  /// passes do so. Scale and shift are known at run time only, so they are never folded into
  /// weights. It never declines at run time; constants stay as they are.
  public static let lowerGroupNorms = Pass(
    "lower-group-norms", "group norms as moments, scale and shift", .fused, lower)
}

@Sendable private func lower(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  try graph.rewriting(&context) { (node, rewriter) throws(Diagnostic) -> Value? in
    guard case .groupNorm(let norm) = node.op, !rewriter.constants[rewriter.current.index] else {
      return nil
    }
    let operands = rewriter[node.operands]
    let rows = node.type.shape[0]
    let chunk = chunk(rows, rewriter.source[node.operands[0]].node, rewriter.source)
    let moments = try rewriter.append(
      .moments(Moments(chunk: chunk)), [operands[0]], name: "\(node.name).moments")
    let scaleShift = try rewriter.append(
      .groupScaleShift(
        GroupScaleShift(groups: norm.groups, epsilon: norm.epsilon, rows: rows, chunk: chunk)),
      [moments, operands[1], operands[2]], name: "\(node.name).scale_shift")
    return try rewriter.append(
      .normalize(Normalize()), [operands[0], scaleShift], name: node.name)
  }
}

/// The chunk for the moments of what `producer` makes: of an image where that is known.
private func chunk(_ rows: Int, _ producer: Node, _ graph: Graph) -> Int {
  if case .convolution(let op) = producer.op {
    let windows = op.windows(of: graph[producer.operands[0]].type)
    return Moments.chunk(height: windows.rows, width: windows.columns)
  }
  return Moments.chunk(height: rows, width: 1)
}
