import Diagnostics
import IR

/// Everything that defines a model apart from its weights, whatever its family.
public protocol ModelConfiguration: Hashable, Sendable {
  /// The variant's name, such as `vit_base_patch16_224` or `R50x1`.
  var name: String { get }
  /// What it belongs to, such as `vit`, `hybrid` or `bit`.
  var family: String { get }
  /// The height of the input.
  var imageHeight: Int { get set }
  /// The width of the input.
  var imageWidth: Int { get set }
  /// The number of channels of the input.
  var channels: Int { get set }
  /// The number of classes; 0: no head.
  var classes: Int { get set }
  /// How images are made ready; `nil` where nothing is known or the input is not RGB.
  var preprocessing: Preprocessing? { get set }
  /// The names of the classes; empty where nothing is known.
  var labels: [String] { get set }
  /// Whose arithmetic it follows.
  var numerics: NumericsConvention { get }
  /// The convention and what follows from it, in one line.
  var numericsSummary: String { get }
  /// The weights of the linear layers that make logits, with as many rows as there are classes;
  /// each has a bias beside it. The first one tells how many classes a checkpoint has.
  var headWeights: [TensorSpecification] { get }
  /// Its sizes by name, such as `depth`, `dim` and `tokens`.
  var architecture: [String: Int] { get }
  /// Its sizes in a few words, such as `12 blocks of 768, 197 tokens`.
  var summary: String { get }
  /// The multiply-adds of one image as the model is written: convolutions, linear layers and the
  /// two products of attention.
  var multiplyAdds: Int { get }

  /// Returns the tensors that the model reads, in execution order, by their canonical names.
  ///
  /// With `fusedQKV` the three projections of an attention are one tensor, as timm stores them.
  func tensors(fusedQKV: Bool) -> [TensorSpecification]

  /// Returns the configuration under another convention; unchanged if it follows it already.
  func following(_ convention: NumericsConvention) -> Self

  /// What is wrong with an extent of the input, or `nil`.
  func problem(extent: Int, _ what: String) -> Diagnostic?

  /// Checks that the numbers fit together.
  func check() throws(Diagnostic)

  /// Returns the model as a graph in the `imported` form.
  ///
  /// - Parameters:
  ///   - fusedQKV: `true` iff the checkpoint holds q, k and v in one tensor, q first.
  ///   - outputs: what the graph returns, in this order.
  ///   - storedName: the checkpoint's name of a canonical tensor, which is timm's.
  /// - Throws: outputs that the model does not have, or numbers that do not fit together.
  func graph(
    fusedQKV: Bool, outputs: [ModelOutput], storedName: @escaping (String) -> String
  ) throws(Diagnostic) -> Graph
}

extension ModelConfiguration {
  /// The most pixels that an image may have along a side.
  static var imageLimit: Int { 16384 }

  /// The number of elements of all tensors.
  public var parameters: Int { tensors(fusedQKV: true).reduce(0) { $0 + $1.type.count } }

  /// Returns the configuration for inputs of another size; a stored position table stays what it
  /// is and is resized.
  ///
  /// Throws if the model cannot take the size, or it is unreasonable.
  public func resized(height: Int, width: Int) throws(Diagnostic) -> Self {
    if (height, width) == (imageHeight, imageWidth) { return self }
    for (what, extent) in [("height", height), ("width", width)] {
      if let problem = problem(extent: extent, what) { throw problem }
    }
    var copy = self
    copy.imageHeight = height
    copy.imageWidth = width
    copy.preprocessing = preprocessing?.scaled(
      from: (imageHeight, imageWidth), to: (height, width))
    return copy
  }

  /// Checks what all families have.
  func checkCommon() throws(Diagnostic) {
    let positive = [
      ("image height", imageHeight, Self.imageLimit), ("image width", imageWidth, Self.imageLimit),
      ("number of channels", channels, 256),
    ]
    for (what, value, limit) in positive where value < 1 || value > limit {
      throw fault("\(what) is \(value), expected 1 to \(limit)")
    }
    guard classes >= 0, classes <= 1 << 24 else {
      throw fault("number of classes is \(classes), expected 0 to \(1 << 24)")
    }
    guard labels.isEmpty || labels.count == classes else {
      throw fault("\(labels.count) labels for \(classes) classes")
    }
  }

  /// The diagnostic of numbers that do not fit.
  func fault(_ message: String) -> Diagnostic { Diagnostic("model '\(name)': \(message)") }

  /// Throws unless the model has what is wanted of it.
  func checkOutputs(_ outputs: [ModelOutput]) throws(Diagnostic) {
    guard !outputs.isEmpty else { throw Diagnostic("no output is wanted") }
    if outputs.contains(.logits), classes == 0 {
      throw Diagnostic(
        "'\(name)' has no head, so there are no logits", at: .argument("--outputs"),
        hint: "ask for 'features' or 'tokens'")
    }
  }
}
