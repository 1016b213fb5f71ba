import Diagnostics
import IR

/// A block of a Transformer: attention and feed-forward, each after a norm, each added.
struct EncoderBlock: Hashable, Sendable {
  /// Before each branch.
  var norm: Normalization
  /// The first branch.
  var attention: SelfAttention
  /// The second branch.
  var feedForward: FeedForward
  /// `true` iff both branches end in a product with a learned vector (LayerScale).
  var layerScale = false
  /// Whose names its tensors have.
  var timmClass: TimmClass { attention.timmClass }

  /// - Parameter rotation: the table of angles that queries and keys are turned by, if they are.
  func append(
    _ name: String, _ x: Value, rotation: Value? = nil, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var branch = try norm.append("\(name).norm1", x, to: &builder)
    branch = try attention.append("\(name).attn", branch, rotation: rotation, to: &builder)
    branch = try scaled(
      "\(name).ls1", by: "\(name).\(timmClass.scales.attention)", branch, &builder)
    let middle = try builder.sum(x, branch, name: "\(name).attn.residual")
    branch = try norm.append("\(name).norm2", middle, to: &builder)
    branch = try feedForward.append("\(name).mlp", branch, to: &builder)
    branch = try scaled(
      "\(name).ls2", by: "\(name).\(timmClass.scales.feedForward)", branch, &builder)
    return try builder.sum(middle, branch, name: "\(name).mlp.residual")
  }

  private func scaled(
    _ name: String, by tensor: String, _ x: Value, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    guard layerScale else { return x }
    let gamma = try builder.weight(tensor, [builder.type(x).shape[1]])
    return try builder.append(.multiply(Multiply()), [x, gamma], name: name)
  }
}
