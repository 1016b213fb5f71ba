/// What makes scores of logits.
public enum ScoreFunction: String, Codable, Hashable, Sendable, CaseIterable {
  /// exp(x_i - max x) / Σ_j exp(x_j - max x): probabilities of classes that exclude each other.
  case softmax
  /// 1 / (1 + exp(-x_i)): a probability for each label by itself.
  case sigmoid
  /// x_i: the value itself, of a regression.
  case identity

  /// How scores are made of logits x, in a line of text.
  public var formula: String {
    switch self {
    case .softmax: "probabilities exp(x[i]) / sum of exp(x[j]), of classes that exclude each other"
    case .sigmoid: "probabilities 1 / (1 + exp(-x[i])), of each label by itself"
    case .identity: "none, x[i] is the value"
    }
  }
}

/// What a head was trained for, as transformers' configurations say it.
enum ProblemType: String, Hashable, Sendable, CaseIterable {
  case singleLabel = "single_label_classification"
  case multiLabel = "multi_label_classification"
  case regression

  /// What makes scores of the logits; `nil`: the number of classes decides.
  var scores: ScoreFunction? {
    switch self {
    case .singleLabel: nil
    case .multiLabel: .sigmoid
    case .regression: .identity
    }
  }
}

extension HasModelFacts {
  /// What makes scores of the logits, as transformers' image-classification pipeline does; `nil`
  /// without a head.
  ///
  /// A head of one class is a sigmoid unless it is known to be a regression. Of an embedding
  /// nothing makes scores.
  public var scoreFunction: ScoreFunction? {
    if classes == 0 { return nil }
    if logitsAreEmbedding { return .identity }
    return facts.scores ?? (classes == 1 ? .sigmoid : .softmax)
  }

  /// `true` iff what is called logits is a projection into a space of images and texts: an
  /// embedding, not scores of classes.
  public var logitsAreEmbedding: Bool { classes > 0 && facts.logitsAreEmbedding }
}
