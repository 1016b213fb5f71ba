import Diagnostics
import IR

extension Pass {
  /// Lets convolutions take the moments of their own result.
  ///
  ///     %y: f32[3136,64] = convolution %x, %w {…}
  ///     %m: f32[56,64] = moments %y {chunk = 112}
  /// becomes
  ///     %y: f32[3192,64] = convolution %x, %w {…, chunk = 112}
  ///     %y.pixels: f32[3136,64] = slice %y {start = 0, count = 3136}
  ///     %m: f32[56,64] = slice %y {start = 3136, count = 56}
  ///
  /// The sums are taken from what has just been written, before it leaves the first cache; slices
  /// cost nothing. Other readers of `%y` read `%y.pixels`. Declines where moments of `%y` are taken
  /// in other chunks already.
  public static let appendMoments = Pass(
    "append-moments", "moments into the convolutions before them", .fused, append)
}

@Sendable private func append(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  var chunks: [Value: Int] = [:]
  let sites = graph.firstResults.filter { value in
    guard case .moments(let moments) = graph[value].op,
      case .convolution(let op) = graph[graph[value].operands[0]].op, op.chunk == nil
    else { return false }
    let producer = graph[value].operands[0]
    if let other = chunks[producer], other != moments.chunk { return false }
    chunks[producer] = moments.chunk
    return true
  }
  let taken = Set(context.take(sites))
  let producers = Set(taken.map { graph[$0].operands[0] })
  return try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    if case .convolution(var op) = node.op, producers.contains(rewriter.current) {
      op.chunk = chunks[rewriter.current]
      let whole = try rewriter.append(
        .convolution(op), rewriter[node.operands], name: node.name)
      return try rewriter.append(
        .slice(Slice(start: 0, count: node.type.shape[0])), [whole],
        name: "\(node.name).pixels")
    }
    guard taken.contains(rewriter.current) else { return nil }
    let pixels = rewriter.source[node.operands[0]].type.shape[0]
    let whole = rewriter.node(rewriter[node.operands[0]]).operands[0]
    return try rewriter.append(
      .slice(Slice(start: pixels, count: node.type.shape[0])), [whole], name: node.name)
  }.graph
}
