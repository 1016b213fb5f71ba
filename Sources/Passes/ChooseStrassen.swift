import Diagnostics
import IR

extension Pass {
  /// Computes large fused linear layers by one level of Strassen's algorithm: 7 matmuls of half
  /// the rows, columns and depth instead of 8.
  ///
  ///     %y: f32[197,768] = fused_linear %x, %w, %b {bias = true, columns = 768}
  /// becomes
  ///     %y: f32[197,768] = fused_linear %x, %w, %b
  ///         {bias = true, algorithm = "strassen", columns = 768}
  ///
  /// Exact in real arithmetic; what the additions cost in precision is documented at the kernel,
  /// and `vitc compile --no-fast-matmul` leaves the pass out.
  ///
  /// Declines where the extents do not divide (``StrassenShape``), and where little is to be
  /// gained. Measured on Zen 4, time against eight matmuls on one thread and two: ViT-B/16 (197
  /// rows, 768 to 3072 columns and steps) 0.91 and 0.91, DINOv2 ViT-S/14 (257 rows, 384 to 1536)
  /// 0.92 and 0.92, ViT-B/32 (50 rows) 0.92 and 0.97, ViT-Ti/16 (197 rows, 192 to 768) 0.95 and
  /// 1.01.
  public static let chooseStrassen = Pass(
    "choose-strassen", "seven matmuls instead of eight", .fused, choose)
}

/// Where one level of Strassen's algorithm is expected to save time.
enum StrassenGain {
  /// The fewest rows, columns and steps of the depth that gain.
  private static let leastRows = 48
  private static let leastExtent = 384

  /// `true` iff a layer of f32 with these extents gains, and divides.
  static func expects(rows: Int, columns: Int, depth: Int) -> Bool {
    rows >= leastRows && columns >= leastExtent && depth >= leastExtent
      && StrassenShape.allows(rows: rows, columns: columns, depth: depth)
  }
}

@Sendable private func choose(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  try graph.rewriting(&context) { (node, rewriter) throws(Diagnostic) -> Value? in
    guard case .fusedLinear(var fusedLinear) = node.op, fusedLinear.algorithm == .direct,
      fusedLinear.summation == Summation(), fusedLinear.columns != nil,
      rewriter.source[node.operands[1]].type.element == .f32,
      !rewriter.constants[rewriter.current.index],
      case let (rows, columns) = (node.type.shape[0], node.type.shape[1]),
      case let depth = rewriter.source[node.operands[0]].type.shape[1],
      StrassenGain.expects(rows: rows, columns: columns, depth: depth)
    else { return nil }
    fusedLinear.algorithm = .strassen
    return try rewriter.append(
      .fusedLinear(fusedLinear), rewriter[node.operands], name: node.name)
  }
}
