import Diagnostics
import IR

/// Where a checkpoint keeps what a model reads.
struct TensorPlaces: Sendable {
  let naming: any Naming
  /// What the family's tensors are called.
  let names: StoredNames
  /// The model's name, for messages.
  let model: String
  /// The checkpoint's path, for messages.
  let path: String

  init(_ model: any Family, _ naming: any Naming, path: String) {
    self.naming = naming
    names = model.storedNames
    self.model = model.name
    self.path = path
  }

  /// The place of a tensor.
  ///
  /// Throws if the naming has no name for it: no other naming's is taken instead.
  func place(_ tensor: TensorSpecification) throws(Diagnostic) -> StoredTensor {
    guard let place = naming.place(tensor, names) else {
      throw Diagnostic(
        "\(naming.title) have none for '\(tensor.name)', which '\(model)' reads", at: .file(path))
    }
    return place
  }

  /// What graphs call the tensors.
  var layout: TensorLayout {
    TensorLayout(fusesQKV: naming.fusesQKV) { (tensor) throws(Diagnostic) in
      try place(tensor).graphName
    }
  }
}
