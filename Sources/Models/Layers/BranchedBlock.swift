import Diagnostics
import IR

/// A block of attentions beside each other, then of as many feed-forward parts beside each other,
/// each behind a norm of its own, all added.
///
/// Reference: Touvron et al. 2022, arXiv:2203.09795, section 3; timm's `ParallelThingsBlock`.
struct BranchedBlock: Hashable, Sendable {
  /// How many of each there are.
  var count: Int
  /// Before each branch.
  var norm: Normalization
  /// The first branches.
  var attention: SelfAttention
  /// The second branches.
  var feedForward: FeedForward
  /// `true` iff each branch ends in a product with a learned vector (LayerScale).
  var layerScale: Bool

  func append(
    _ name: String, index: Int, _ x: Value, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var sum = x
    for number in 0..<count {
      let branch = "\(name).attns.\(number)"
      let normed = try norm.append("\(branch).norm", x, to: &builder)
      let mixed = try attention.append("\(branch).attn", block: index, normed, to: &builder)
      sum = try added(sum, mixed, branch, &builder)
    }
    let middle = sum
    for number in 0..<count {
      let branch = "\(name).ffns.\(number)"
      let normed = try norm.append("\(branch).norm", middle, to: &builder)
      let active = try feedForward.append("\(branch).mlp", normed, to: &builder)
      sum = try added(sum, active, branch, &builder)
    }
    return sum
  }

  private func added(
    _ sum: Value, _ x: Value, _ branch: String, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var x = x
    if layerScale {
      let gamma = try builder.weight("\(branch).ls.gamma", [builder.type(x).shape[1]])
      x = try builder.append(.multiply(Multiply()), [x, gamma], name: "\(branch).ls")
    }
    return try builder.sum(sum, x, name: "\(branch).residual")
  }
}
