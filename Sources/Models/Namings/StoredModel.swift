import Diagnostics

/// A checkpoint under a naming, and what is found out while a model is fitted to it.
struct StoredModel {
  let checkpoint: any Checkpoint
  /// How its tensors are named.
  var naming: any Naming
  /// `true` iff that is not how the model's own checkpoints are named.
  var isForeign: Bool
  /// `true` iff the model is known by its name alone; `false`: from a folder.
  let isByName: Bool
  /// What the user asked for comes before what the checkpoint says.
  let options: ModelOptions
  /// What was assumed or decided, a line each.
  var notes: [String] = []
  /// What the user should know of the checkpoint.
  var warnings: [Diagnostic] = []

  /// Where a tensor is kept; `nil` if its name is not known.
  func place(_ tensor: TensorSpecification, _ names: StoredNames) -> StoredTensor? {
    naming.place(tensor, names)
  }
}

extension StoredModel {
  /// Throws unless the family has names of this kind.
  func check(_ names: StoredNames, of family: String) throws(Diagnostic) {
    guard !naming.knows(names) else { return }
    throw Diagnostic(
      "the checkpoint has \(naming.title), which vitc does not know for family '\(family)'",
      at: .file(checkpoint.path), hint: "vitc reads this family under \(TimmNaming.title)")
  }
}
