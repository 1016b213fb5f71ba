import Diagnostics
import IR

/// A ResNet of Big Transfer: a pre-activation trunk, the mean of its pixels, a linear head.
///
/// Reference: Kolesnikov et al. 2019, arXiv:1912.11370.
public struct ResNetConfiguration: ModelConfiguration {
  /// The variant's name, such as `R50x1`.
  public var name: String
  /// What it belongs to: `bit`.
  public var family: String
  /// The height of the input.
  public var imageHeight: Int
  /// The width of the input.
  public var imageWidth: Int
  /// The number of channels of the input.
  public var channels = 3
  /// The convolutions.
  public var trunk: ResNetTrunk
  /// The number of classes; 0: no head.
  public var classes: Int
  /// Whose arithmetic it follows.
  public var numerics = NumericsConvention.timm
  /// How images are made ready; `nil` where nothing is known or the input is not RGB.
  public var preprocessing: Preprocessing?
  /// The names of the classes; empty where nothing is known.
  public var labels: [String] = []

  /// Creates a configuration.
  public init(name: String, family: String, image: Int, trunk: ResNetTrunk, classes: Int) {
    self.name = name
    self.family = family
    imageHeight = image
    imageWidth = image
    self.trunk = trunk
    self.classes = classes
  }

  /// The width of what the head reads.
  public var featureDim: Int { trunk.outputWidth }

  /// The multiply-adds of one image as the model is written.
  public var multiplyAdds: Int {
    trunk.multiplyAdds(height: imageHeight, width: imageWidth, channels: channels)
      + featureDim * classes
  }

  /// The head is a convolution of one pixel, as timm stores it.
  public var headWeights: [TensorSpecification] {
    [TensorSpecification(name: "head.fc.weight", type: .f32(classes, featureDim, 1, 1))]
  }

  /// Its sizes by name.
  public var architecture: [String: Int] {
    [
      "depth": trunk.depths.reduce(0, +), "dim": featureDim,
      "tokens": trunk.outputExtent(imageHeight) * trunk.outputExtent(imageWidth),
    ]
  }

  /// Its sizes in a few words.
  public var summary: String {
    let depths = trunk.depths.map(String.init).joined(separator: ", ")
    return "stages of \(depths) units, up to \(featureDim) channels, "
      + "\(trunk.outputExtent(imageHeight))x\(trunk.outputExtent(imageWidth)) pixels at the end"
  }

  /// Returns the tensors that the model reads, in execution order.
  public func tensors(fusedQKV: Bool) -> [TensorSpecification] {
    var list = trunk.tensors(prefix: "", channels: channels)
    if classes > 0 {
      list += headWeights
      list.append(TensorSpecification(name: "head.fc.bias", type: .f32(classes)))
    }
    return list
  }

  /// What is wrong with an extent of the input, or `nil`.
  public func problem(extent: Int, _ what: String) -> Diagnostic? {
    (1...Self.imageLimit).contains(extent)
      ? nil
      : Diagnostic(
        "image \(what) \(extent) is out of range",
        hint: "sizes from 1 to \(Self.imageLimit) are possible")
  }

  /// Checks that the numbers fit together.
  public func check() throws(Diagnostic) {
    try checkCommon()
    if let problem = trunk.problem { throw fault(problem) }
    guard !trunk.depths.isEmpty else { throw fault("there is no stage") }
  }

  /// Returns the model as a graph in the `imported` form.
  public func graph(
    fusedQKV: Bool, outputs: [ModelOutput], storedName: @escaping (String) -> String
  ) throws(Diagnostic) -> Graph {
    try ResNet.graph(self, outputs: outputs, storedName: storedName)
  }
}
