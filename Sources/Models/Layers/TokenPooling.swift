import Diagnostics
import IR

/// What is made of the tokens for the head.
enum TokenPooling: String, Hashable, Sendable {
  /// The class token.
  case token
  /// The mean of the patch tokens.
  case average
  /// Class token and mean of the patch tokens, side by side: transformers' DINOv2 classifier.
  case tokenAndAverage = "token_and_average"
  /// Class token and distillation token, each with its own head; logits and features are the
  /// mean of the two.
  case distilled

  /// What is pooled from `prefix` tokens and the patches after them: one row, or two of a distilled
  /// model.
  func append(
    _ tokens: Value, prefix: Int, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    switch self {
    case .token: return try first(tokens, &builder)
    case .average: return try patchMean(tokens, prefix, &builder)
    case .tokenAndAverage:
      return try builder.append(
        .concatenate(Concatenate(axis: 1)),
        [try first(tokens, &builder), try patchMean(tokens, prefix, &builder)], name: "pool")
    case .distilled: return try builder.rows(tokens, from: 0, count: 2, name: "pool.tokens")
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
    var patches = tokens
    if prefix > 0 {
      let count = builder.type(tokens).shape[0] - prefix
      patches = try builder.rows(tokens, from: prefix, count: count, name: "pool.patches")
    }
    return try builder.mean(patches, name: "pool.mean")
  }
}
