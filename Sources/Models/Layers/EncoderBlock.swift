import Diagnostics
import IR

/// A block of a Transformer: attention and feed-forward, each with a norm, each added.
struct EncoderBlock: Hashable, Sendable {
  /// Before each branch, or after it.
  var norm: Normalization
  /// `true` iff the norms are the last of a branch (post-norm), not the first.
  var normsFollow = false
  /// The first branch.
  var attention: SelfAttention
  /// The second branch.
  var feedForward: FeedForward
  /// Which branches end in a product with a learned vector (LayerScale).
  var layerScale = ScaledBranches.none
  /// Whose names its tensors have.
  var timmClass = TimmClass.visionTransformer

  /// - Parameters:
  ///   - index: of the block.
  ///   - rotation: the table of angles that queries and keys are turned by, if they are.
  ///   - bias: what is added to the scores of the attention, if something is.
  func append(
    _ name: String, index: Int, _ x: Value, rotation: Value? = nil, bias: RelativeBias? = nil,
    to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var branch = normsFollow ? x : try norm.append("\(name).norm1", x, to: &builder)
    let added = try bias?.append("\(name).attn", heads: attention.core.heads, to: &builder)
    branch = try attention.append(
      "\(name).attn", block: index, branch, rotation: rotation, bias: added, to: &builder)
    if normsFollow { branch = try norm.append("\(name).norm1", branch, to: &builder) }
    if layerScale != .none {
      branch = try scaled(
        "\(name).ls1", by: "\(name).\(timmClass.scales.attention)", branch, &builder)
    }
    let middle = try builder.sum(x, branch, name: "\(name).attn.residual")
    branch = normsFollow ? middle : try norm.append("\(name).norm2", middle, to: &builder)
    branch = try feedForward.append("\(name).mlp", branch, to: &builder)
    if normsFollow { branch = try norm.append("\(name).norm2", branch, to: &builder) }
    if layerScale == .both {
      branch = try scaled(
        "\(name).ls2", by: "\(name).\(timmClass.scales.feedForward)", branch, &builder)
    }
    return try builder.sum(middle, branch, name: "\(name).mlp.residual")
  }

  private func scaled(
    _ name: String, by tensor: String, _ x: Value, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let gamma = try builder.weight(tensor, [builder.type(x).shape[1]])
    return try builder.append(.multiply(Multiply()), [x, gamma], name: name)
  }
}

/// Which branches of a block end in a product with a learned vector.
enum ScaledBranches: Hashable, Sendable {
  case none
  case attention
  case both
}
