/// How vectors of images and of texts are compared:
/// `logits = scale * <image / |image|, text / |text|> + bias`.
public struct TextComparison: Hashable, Sendable {
  /// What the cosine is multiplied by: the power of the stored logarithm.
  public var scale: Double
  /// What is added.
  public var bias: Double
  /// What makes scores of the logits: a softmax over texts, or a sigmoid of each.
  public var scores: ScoreFunction

  /// Creates a comparison.
  public init(scale: Double, bias: Double, scores: ScoreFunction) {
    self.scale = scale
    self.bias = bias
    self.scores = scores
  }
}
