import Diagnostics
import IR

/// Pooling as in OpenCLIP's CoCa: learned queries of another width attend to all tokens, both after
/// a norm.
///
/// What the first query gathers is the image's vector; the others are a decoder's, and are not
/// computed.
///
/// Source: `AttentionalPooler` of open_clip; Yu et al. 2022, arXiv:2205.01917.
struct ContextPooling: Hashable, Sendable {
  /// The canonical name, which is OpenCLIP's.
  static let name = "attn_pool"

  /// The number of queries that are stored.
  var queries: Int
  /// The width of queries, keys, values and result.
  var width: Int
  /// The number of heads.
  var heads: Int
  /// Of tokens and queries.
  var norm: Normalization

  /// What does not fit together, or `nil`.
  var problem: String? {
    guard (1...1 << 16).contains(queries), (1...1 << 16).contains(width) else {
      return "the pooling has \(queries) queries of \(width), expected 1 to \(1 << 16) each"
    }
    return heads > 0 && width % heads == 0
      ? nil : "width \(width) does not divide into the \(heads) heads of the pooling"
  }

  func append(_ tokens: Value, to builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    let name = Self.name
    let dim = builder.type(tokens).shape[1]
    let context = try norm.append("\(name).ln_k", tokens, to: &builder)
    let stored = try builder.weight("\(name).query", [queries, width])
    let first = try builder.rows(stored, from: 0, count: 1, name: "\(name).first")
    let query = try norm.append("\(name).ln_q", first, to: &builder)
    let biases = try builder.weight("\(name).attn.in_proj_bias", [3 * width])
    // PyTorch keeps the three weights in one where all widths are the same.
    let whole =
      dim == width ? try builder.weight("\(name).attn.in_proj_weight", [3 * width, width]) : nil
    var parts: [Value] = []
    for (index, part) in ["q", "k", "v"].enumerated() {
      let (x, inputs) = index == 0 ? (query, width) : (context, dim)
      let weight =
        if let whole {
          try builder.rows(
            whole, from: index * width, count: width, name: "\(name).\(part).weight")
        } else {
          try builder.weight("\(name).attn.\(part)_proj_weight", [width, inputs])
        }
      let bias = try builder.rows(
        biases, from: index * width, count: width, name: "\(name).\(part).bias")
      parts.append(
        try builder.append(.linear(Linear()), [x, weight, bias], name: "\(name).\(part)"))
    }
    let merged = try builder.attention(name, parts[0], parts[1], parts[2], heads: heads)
    return try builder.linear("\(name).attn.out_proj", merged, width)
  }

  /// The multiply-adds for this many tokens of this width.
  func multiplyAdds(tokens: Int, dim: Int) -> Int {
    2 * width * width + 2 * tokens * dim * width + 2 * tokens * width
  }
}
