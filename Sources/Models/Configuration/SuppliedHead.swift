import IR

/// A head that does not come from the checkpoint: fitted to photos, or made by anybody.
///
/// `logits = weight x + bias`, where x is what ``reads`` says; with ``readsUnit``
/// `logits = weight x / |x| + bias`.
public struct SuppliedHead: Hashable, Sendable {
  /// What a head reads.
  public enum Features: String, Hashable, Sendable, CaseIterable {
    /// The output `features`: the class token, or what the model pools.
    case token = "class"
    /// The mean of the patch tokens after the last norm.
    case mean
    /// Both, side by side.
    case both = "class+mean"
  }

  /// What the graph has to know of it.
  public struct Form: Hashable, Sendable {
    /// What it reads.
    public var reads: Features
    /// The number of features that it reads: D.
    public var width: Int
    /// The number of its parameters.
    public var parameters: Int
    /// `true` iff it reads the features divided by their length.
    public var readsUnit: Bool
  }

  /// `[K, D]`.
  public var weight: Tensor
  /// `[K]`.
  public var bias: Tensor
  /// The names of the classes; empty where nothing is known.
  public var labels: [String]
  /// What it reads.
  public var reads: Features
  /// `true` iff x is divided by its length before.
  public var readsUnit = false
  /// What makes scores of its logits; `nil`: the number of classes decides.
  public var scores: ScoreFunction?
  /// Where it comes from, for messages.
  public var source: String

  /// Creates a head; there must be as many weights as `classes` and `width` say.
  public init(
    weight: [Float], bias: [Float], width: Int, labels: [String], reads: Features,
    scores: ScoreFunction?, source: String
  ) {
    self.weight = Tensor(shape: [bias.count, width], values: weight)
    self.bias = Tensor(shape: [bias.count], values: bias)
    self.labels = labels
    self.reads = reads
    self.scores = scores
    self.source = source
  }

  /// The number of classes: K.
  public var classes: Int { bias.shape[0] }
  /// The number of features that it reads: D.
  public var width: Int { weight.shape[1] }

  /// What the graph has to know of it.
  var form: Form {
    Form(
      reads: reads, width: width, parameters: weight.values.count + bias.values.count,
      readsUnit: readsUnit)
  }

  /// What graphs call its weight; no checkpoint's name has a colon.
  static let weightName = "head:weight"
  /// What graphs call its bias.
  static let biasName = "head:bias"
}
