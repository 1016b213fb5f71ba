import Diagnostics
import IR

extension Pass {
  /// Lets convolutions take the moments of their own result.
  ///
  ///     %y: f32[3136,64] = convolution %x, %w {…}
  ///     %m: f32[56,64] = moments %y {chunk = 112}
  /// becomes
  ///     %y: f32[3136,64], %y.moments: f32[56,64] = convolution %x, %w {…, chunk = 112}
  ///
  /// and what read `%m` reads `%y.moments`. The sums are taken from what has just been written,
  /// before it leaves the L1 cache. Declines where moments of `%y` are taken in other chunks
  /// already.
  public static let takeMoments = Pass(
    "take-moments", "moments by the convolutions before them", .fused, take)
}

@Sendable private func take(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  var chunks: [Value: Int] = [:]
  let sites = graph.firstResults.filter { value in
    let producer = graph[value].operands.first
    guard case .moments(let moments) = graph[value].op, let producer, producer.result == 0,
      case .convolution(let op) = graph[producer].op, op.chunk == nil
    else { return false }
    if let other = chunks[producer], other != moments.chunk { return false }
    chunks[producer] = moments.chunk
    return true
  }
  let taken = Set(context.take(sites))
  let producers = Set(taken.map { graph[$0].operands[0] })
  return try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    if case .convolution(var op) = node.op, producers.contains(rewriter.current) {
      op.chunk = chunks[rewriter.current]
      return try rewriter.append(.convolution(op), rewriter[node.operands], name: node.name)
    }
    guard taken.contains(rewriter.current) else { return nil }
    return rewriter[node.operands[0]].sibling(1)
  }.graph
}
