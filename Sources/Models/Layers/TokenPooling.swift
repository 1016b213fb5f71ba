import Diagnostics
import IR

/// What is made of the tokens for the head.
enum TokenPooling: String, Hashable, Sendable {
  /// The class token.
  case token
  /// The mean of the class tokens, of which there are several.
  case classAverage = "class_average"
  /// The mean of the patch tokens.
  case average
  /// Class token and mean of the patch tokens, side by side: transformers' DINOv2 classifier.
  case tokenAndAverage = "token_and_average"
  /// Class token and distillation token, each with its own head; logits and features are the
  /// mean of the two.
  case distilled
  /// What a learned query gathers from the patch tokens, or from all (``AttentionPooling``).
  case attention = "map"
  /// What learned queries gather from all tokens, of which the first is taken
  /// (``ContextPooling``).
  case context
  /// Chosen tokens of those before the patches, side by side: RADIO's summary.
  case summary
  /// Nothing: the model gives tokens alone.
  case none

  /// What is pooled from `prefix` tokens and the patches after them: one row, or two of a distilled
  /// model; all patches where a query is to attend to them, all tokens where the model chooses.
  func append(
    _ tokens: Value, prefix: Int, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    switch self {
    case .token: return try first(tokens, &builder)
    case .classAverage:
      let all = try builder.rows(tokens, from: 0, count: prefix, name: "pool.tokens")
      return try builder.mean(all, name: "pool.mean")
    case .average: return try patchMean(tokens, prefix, &builder)
    case .tokenAndAverage:
      return try builder.append(
        .concatenate(Concatenate(axis: 1)),
        [try first(tokens, &builder), try patchMean(tokens, prefix, &builder)], name: "pool")
    case .distilled: return try builder.rows(tokens, from: 0, count: 2, name: "pool.tokens")
    case .attention: return try patches(tokens, prefix, &builder)
    case .context, .summary, .none: return tokens
    }
  }

  private func first(
    _ tokens: Value, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    try builder.rows(tokens, from: 0, count: 1, name: "pool.token")
  }

  private func patchMean(
    _ tokens: Value, _ prefix: Int, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    try builder.mean(try patches(tokens, prefix, &builder), name: "pool.mean")
  }

  private func patches(
    _ tokens: Value, _ prefix: Int, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    guard prefix > 0 else { return tokens }
    let count = builder.type(tokens).shape[0] - prefix
    return try builder.rows(tokens, from: prefix, count: count, name: "pool.patches")
  }
}
