import Diagnostics
import IR

/// One row made of the patch tokens by a learned query that attends to them (multi-head attention
/// pooling): `o + mlp(norm(o))` for what the attention gives, `o`.
///
/// Reference: Zhai et al. 2022, arXiv:2106.04560, appendix A; big_vision's `MAPHead`.
struct AttentionPooling: Hashable, Sendable {
  /// Its canonical name, which is timm's.
  static let name = "attn_pool"

  /// The number of heads.
  var heads: Int
  /// Before the feed-forward part.
  var norm: Normalization
  /// What follows the attention.
  var feedForward: FeedForward

  func append(_ tokens: Value, to builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    let name = Self.name
    let dim = builder.type(tokens).shape[1]
    let latent = try builder.tokens("\(name).latent", 1, dim)
    let query = try builder.linear("\(name).q", latent, dim)
    let keys = try projection("k", 0, tokens, &builder)
    let values = try projection("v", 1, tokens, &builder)
    let merged = try builder.attention(name, query, keys, values, heads: heads)
    let pooled = try builder.linear("\(name).proj", merged, dim)
    var branch = try norm.append("\(name).norm", pooled, to: &builder)
    branch = try feedForward.append("\(name).mlp", branch, to: &builder)
    return try builder.sum(pooled, branch, name: "\(name).residual")
  }

  /// The key or value projection, cut out of the common tensor where there is one, keys first.
  private func projection(
    _ part: String, _ index: Int, _ tokens: Value, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(tokens).shape[1]
    guard builder.fusesQKV else {
      return try builder.linear("\(Self.name).\(part)", tokens, dim)
    }
    return try builder.linear(
      "\(Self.name).\(part)", tokens, dim, cutFrom: "\(Self.name).kv", part: index, of: 2)
  }

  /// The multiply-adds for this many tokens of this width.
  func multiplyAdds(tokens: Int, dim: Int) -> Int {
    2 * dim * dim + 2 * tokens * dim * dim + 2 * tokens * dim + 2 * dim * feedForward.hidden
  }
}
