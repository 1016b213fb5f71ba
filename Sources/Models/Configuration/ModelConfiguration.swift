import Diagnostics
import IR

/// Everything that defines a model apart from its weights, as the rest of vitc sees it: one value
/// for each model, of a type for each family.
public protocol ModelConfiguration: HasModelFacts, Sendable {
  /// The family's name, such as `vit`, `hybrid` or `bit`.
  var family: String { get }
  /// The convention and what follows from it, in one line.
  var numericsSummary: String { get }
  /// Its sizes by name, such as `depth`, `dim` and `tokens`.
  var architecture: [String: Int] { get }
  /// What its tokens are in the image, and which of them see each other.
  var geometry: TokenGeometry { get }
  /// Its sizes in a few words, such as `12 blocks of 768, 197 tokens`.
  var summary: String { get }
  /// The multiply-adds of one image as the model is written: convolutions, linear layers and the
  /// two matmuls of attention.
  var multiplyAdds: Int { get }

  /// What it reads, if it is a text tower; `nil`: images.
  var text: TextInput? { get }

  /// Checks that the numbers fit together.
  func check() throws(Diagnostic)

  /// Returns the model as a graph in the `imported` form.
  ///
  /// - Parameters:
  ///   - outputs: what the graph returns, in this order.
  ///   - tensors: how the checkpoint names and groups what the model reads.
  /// - Throws: outputs that the model does not have, or numbers that do not fit together.
  func graph(outputs: [ModelOutput], tensors: TensorLayout) throws(Diagnostic) -> Graph

  /// Returns the tensors that the model reads, in execution order, by their canonical names: the
  /// weights of its graph.
  ///
  /// With `fusedQKV` the three projections of an attention are one tensor, as timm stores them.
  func tensors(fusedQKV: Bool) throws(Diagnostic) -> [TensorSpecification]
}

/// How a checkpoint names and groups the tensors of a model.
public struct TensorLayout: Sendable {
  /// `true` iff q, k and v are one tensor `blocks.i.attn.qkv`, q first.
  public var fusesQKV: Bool
  /// What a graph calls a tensor; throws if the checkpoint's naming has no name for it.
  public var name: @Sendable (TensorSpecification) throws(Diagnostic) -> String

  /// The canonical names, which are timm's.
  ///
  /// Without `fusedQKV`, q, k and v are three tensors `blocks.i.attn.q` and so on.
  public static func canonical(fusedQKV: Bool = true) -> TensorLayout {
    TensorLayout(fusesQKV: fusedQKV) { (tensor) throws(Diagnostic) in tensor.name }
  }
}

extension ModelConfiguration {
  /// Returns the model as a graph in the `imported` form, under canonical names.
  public func graph(
    fusedQKV: Bool = true, outputs: [ModelOutput]
  ) throws(Diagnostic) -> Graph {
    try graph(outputs: outputs, tensors: .canonical(fusedQKV: fusedQKV))
  }

  /// Returns the tensors that the model reads as timm stores them.
  public func tensors() throws(Diagnostic) -> [TensorSpecification] {
    try tensors(fusedQKV: true)
  }

  /// The number of elements of all tensors, those of a head that is not the checkpoint's among
  /// them.
  public var parameters: Int {
    get throws(Diagnostic) {
      try tensors().reduce(facts.suppliedHead?.parameters ?? 0) { $0 + $1.type.count }
    }
  }
}
