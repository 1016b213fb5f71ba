import Diagnostics

/// What every model has, whatever its family.
public struct ModelFacts: Hashable, Sendable {
  /// The variant's name, such as `vit_base_patch16_224` or `R50x1`.
  public var name: String
  /// The height of the input.
  public var imageHeight: Int
  /// The width of the input.
  public var imageWidth: Int
  /// The number of channels of the input.
  public var channels = 3
  /// The number of classes; 0: no head.
  public var classes: Int
  /// What makes scores of the logits; `nil`: the number of classes decides.
  public var scores: ScoreFunction?
  /// The head that takes the place of the checkpoint's own; `nil`: none does.
  var suppliedHead: SuppliedHead.Form?
  /// `true` iff what is called logits is a projection into a space of images and texts: an
  /// embedding, not scores of classes.
  public var logitsAreEmbedding = false
  /// Whose arithmetic it follows.
  public var numerics = NumericsConvention.timm
  /// How images are preprocessed; `nil` where that is not known, or not what vitc does.
  public var preprocessing: Preprocessing?
  /// Why `preprocessing` is `nil`, if more is to say than that the checkpoint does not tell.
  public var preprocessingRefusal: String?
  /// The names of the classes; empty where nothing is known.
  public var labels: [String] = []

  /// Creates the facts of a model of square images.
  public init(name: String, image: Int, classes: Int) {
    self.name = name
    imageHeight = image
    imageWidth = image
    self.classes = classes
  }
}

/// A type that has the facts of a model, and shows them as its own properties.
public protocol HasModelFacts {
  /// What every model has.
  var facts: ModelFacts { get set }

  /// What is wrong with an extent of the input, or `nil`.
  func problem(extent: Int, _ what: String) -> Diagnostic?
}

extension HasModelFacts {
  /// The variant's name, such as `vit_base_patch16_224` or `R50x1`.
  public var name: String { facts.name }
  /// The height of the input.
  public var imageHeight: Int {
    get { facts.imageHeight }
    set { facts.imageHeight = newValue }
  }
  /// The width of the input.
  public var imageWidth: Int {
    get { facts.imageWidth }
    set { facts.imageWidth = newValue }
  }
  /// The number of channels of the input.
  public var channels: Int {
    get { facts.channels }
    set { facts.channels = newValue }
  }
  /// The number of classes; 0: no head.
  public var classes: Int {
    get { facts.classes }
    set { facts.classes = newValue }
  }
  /// Whose arithmetic it follows.
  public var numerics: NumericsConvention {
    get { facts.numerics }
    set { facts.numerics = newValue }
  }
  /// How images are preprocessed; `nil` where that is not known, or not what vitc does.
  public var preprocessing: Preprocessing? {
    get { facts.preprocessing }
    set { facts.preprocessing = newValue }
  }
  /// Why images cannot be preprocessed; `nil` where they can.
  public var preprocessingRefusal: String? {
    get {
      if facts.preprocessing != nil { return nil }
      if channels != 3 { return "the input is not an RGB image, it has \(channels) channels" }
      return facts.preprocessingRefusal ?? "the checkpoint does not say how"
    }
    set { facts.preprocessingRefusal = newValue }
  }
  /// The names of the classes; empty where nothing is known.
  public var labels: [String] {
    get { facts.labels }
    set { facts.labels = newValue }
  }
}
