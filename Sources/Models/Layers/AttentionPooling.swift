import Diagnostics
import IR

/// One row made of tokens by a learned query that attends to them (multi-head attention pooling):
/// a projection `o` of what the attention gives, or `o + mlp(norm(o))`.
///
/// Reference: Zhai et al. 2022, arXiv:2106.04560, appendix A; big_vision's `MAPHead`.
struct AttentionPooling: Hashable, Sendable {
  /// What follows the attention and its projection.
  struct Refinement: Hashable, Sendable {
    var norm: Normalization
    var feedForward: FeedForward
  }

  /// Its canonical name, which is timm's.
  static let name = "attn_pool"

  /// The number of heads.
  var heads: Int
  /// `false` iff the learned query is taken as it is.
  var projectsQuery = true
  /// `true` iff keys and values, and queries where they are projected, have biases.
  var hasBias = true
  /// What follows; `nil`: nothing.
  var refinement: Refinement?

  func append(_ tokens: Value, to builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    let name = Self.name
    let dim = builder.type(tokens).shape[1]
    let latent = try builder.tokens("\(name).latent", 1, dim)
    let query =
      projectsQuery ? try builder.linear("\(name).q", latent, dim, bias: hasBias) : latent
    let keys = try projection("k", 0, tokens, &builder)
    let values = try projection("v", 1, tokens, &builder)
    let merged = try builder.attention(name, query, keys, values, heads: heads)
    let pooled = try builder.linear("\(name).proj", merged, dim)
    guard let refinement else { return pooled }
    var branch = try refinement.norm.append("\(name).norm", pooled, to: &builder)
    branch = try refinement.feedForward.append("\(name).mlp", branch, to: &builder)
    return try builder.sum(pooled, branch, name: "\(name).residual")
  }

  /// The key or value projection, cut out of the common tensor where there is one, keys first.
  private func projection(
    _ part: String, _ index: Int, _ tokens: Value, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(tokens).shape[1]
    guard builder.fusesQKV, projectsQuery else {
      return try builder.linear("\(Self.name).\(part)", tokens, dim, bias: hasBias)
    }
    return try builder.linear(
      "\(Self.name).\(part)", tokens, dim, cutFrom: "\(Self.name).kv", part: index, of: 2)
  }

  /// The multiply-adds for this many tokens of this width.
  func multiplyAdds(tokens: Int, dim: Int) -> Int {
    let projections = (projectsQuery ? 2 : 1) * dim * dim
    return projections + 2 * tokens * dim * dim + 2 * tokens * dim
      + 2 * dim * (refinement?.feedForward.hidden ?? 0)
  }
}
