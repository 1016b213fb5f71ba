/// What a compiled model can return.
public enum ModelOutput: String, Hashable, Sendable, CaseIterable {
  /// The class scores, `[classes]`.
  case logits
  /// What feeds the head, `[featureDim]`: the normalized class token, or the pooled patches.
  case features
  /// All tokens after the last layer norm, `[tokens, dim]`, prefix tokens first.
  case tokens
}
