/// How vectors of images and of texts are compared:
/// `logits = scale * <image / |image|, text / |text|> + bias`.
public struct TextComparison: Hashable, Sendable {
  /// What the cosine is multiplied by: the power of the stored logarithm.
  public var scale: Double
  /// What is added.
  public var bias: Double
  /// What makes scores of the logits: a softmax over texts, or a sigmoid of each.
  public var scores: ScoreFunction

  /// What the checkpoint says nothing of when vectors are compared.
  struct Rule: Hashable, Sendable {
    /// What makes scores of the logits; `nil`: a sigmoid where the checkpoint has a bias, else a
    /// softmax.
    var scores: ScoreFunction?
    /// The largest scale, where scales are kept from 1 to that; `nil`: any.
    var largestScale: Double?
  }

  /// Creates a comparison.
  public init(scale: Double, bias: Double, scores: ScoreFunction) {
    self.scale = scale
    self.bias = bias
    self.scores = scores
  }
}
