/// What a user asked for besides the model itself.
public struct ModelOptions: Sendable {
  /// `--weights`: a file, a folder, or `seed:N`; `nil`: the model folder's own.
  public var weights: String?
  /// `--image-size`: height and width.
  public var imageSize: (height: Int, width: Int)?
  /// `--num-classes`.
  public var classes: Int?
  /// `--head none`: features only.
  public var dropsHead: Bool
  /// `--numerics`: whose arithmetic; `nil`: that of the checkpoint's naming.
  public var numerics: NumericsConvention?
  /// `--scores`: what makes scores of the logits; `nil`: as the model says.
  public var scores: ScoreFunction?
  /// `--outputs`: what will be asked of the model; empty: its default.
  public var outputs: [ModelOutput]
  /// `--ignore`: patterns of tensors that are treated as absent, as shells have them.
  public var ignoredTensors: [String]

  /// Creates options; by default everything is as the model says.
  public init(
    weights: String? = nil, imageSize: (height: Int, width: Int)? = nil, classes: Int? = nil,
    dropsHead: Bool = false, numerics: NumericsConvention? = nil, scores: ScoreFunction? = nil,
    outputs: [ModelOutput] = [], ignoredTensors: [String] = []
  ) {
    self.outputs = outputs
    self.ignoredTensors = ignoredTensors
    self.scores = scores
    self.numerics = numerics
    self.weights = weights
    self.imageSize = imageSize
    self.classes = classes
    self.dropsHead = dropsHead
  }
}
