import IR

/// A normalization of rows of its own, as passes rewrite it.
///
/// They rewrite the operations that are listed here. What others say about themselves
/// (``OpFacts/norm``) is believed of their readers and writers, but they stay as they are.
struct NormNode {
  /// What it does before scale and shift.
  let norm: RowNormalization
  /// What it reads.
  let x: Value
  /// What each column is multiplied by, if by anything.
  let scale: Value?
  /// What is added to each column, if anything is.
  let shift: Value?

  /// The norm that `node` is, or `nil`.
  init?(_ node: Node, in graph: Graph) {
    guard NormNode.isRewritten(node.op), let norm = graph.facts(of: node).norm else { return nil }
    self.norm = norm
    x = node.operands[0]
    scale = node.operands.count > 1 ? node.operands[1] : nil
    shift = node.operands.count > 2 ? node.operands[2] : nil
  }

  /// `true` iff it neither multiplies nor adds anything.
  var isPlain: Bool { scale == nil && shift == nil }

  /// Scale and shift, as far as there are any.
  var affine: [Value] { [scale, shift].compactMap { $0 } }

  /// `true` iff an operation is a norm of its first operand, with scale and shift after it.
  private static func isRewritten(_ op: Op) -> Bool {
    if case .layerNorm = op { return true }
    if case .rmsNorm = op { return true }
    return false
  }
}
