/// What a compiled model can return.
public enum ModelOutput: String, Hashable, Sendable, CaseIterable {
  /// The class scores, `[classes]`.
  case logits
  /// What feeds the head, `[featureDim]`: the normalized class token, or the pooled patches.
  case features
  /// What transformers' ViT and DeiT make of the class token beside a head: their `pooler_output`,
  /// tanh(dense(class token)), `[dim]`.
  case pooler
  /// All tokens after the last layer norm, `[tokens, dim]`, prefix tokens first.
  case tokens
}
