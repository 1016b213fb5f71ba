import Diagnostics
import IR

extension Pass {
  /// Divides the sums of the deepest networks into short blocks.
  ///
  ///     %y: f32[196,256] = convolution %x, %w, %f {width = 14, kernel = [1, 1], normalized = true}
  /// becomes
  ///     %y: f32[196,256] = convolution %x, %w, %f
  ///         {width = 14, kernel = [1, 1], normalized = true, sum_block = 32}
  ///
  /// The error of a sum grows with the length of a chain of additions, and in a network of
  /// convolutions with the number of layers. The logits of R200x3 with `seed:1` are off from
  /// float64 by (relative L2; plain sums, and with Winograd's way): 9.1e-5 and 9.0e-5 with chains
  /// of 768; 4.9e-5 and 5.2e-5 with 64; 4.0e-5 and 4.1e-5 with 32. PyTorch's own float32 has
  /// 8.0e-5. It takes 6 % longer (R50x1, R101x1 and R152x2 on 2 cores of Zen 4; 3 % with 64), so it
  /// is for models of more than 160 convolutions only: R152x1 has 155, and 3.4e-5 as it is.
  ///
  /// Declines in all other models, and where matmuls are not of f32.
  public static let shortenSums = Pass(
    "shorten-sums", "the sums of the deepest networks in short blocks", .fused, shorten)
}

/// The most convolutions of a model that are left alone.
private let mostWithLongSums = 160
/// The most terms of a block in the others.
private let shortBlock = 32

@Sendable private func shorten(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  let constants = graph.constants()
  let sites = graph.firstResults.filter {
    !constants[$0.index] && shortened(graph[$0].node, graph) != nil
  }
  guard sites.count > mostWithLongSums else { return graph }
  let taken = Set(context.take(sites))
  return try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    guard taken.contains(rewriter.current), let op = shortened(node, graph) else { return nil }
    return try rewriter.append(op, rewriter[node.operands], name: node.name)
  }.graph
}

/// The operation with short blocks; `nil` where it is not a convolution of f32 whose blocks are
/// open.
private func shortened(_ node: Node, _ graph: Graph) -> Op? {
  guard case .convolution(var op) = node.op, op.summation.block == nil,
    graph[node.operands[1]].type.element == .f32
  else { return nil }
  op.summation.block = shortBlock
  return .convolution(op)
}
