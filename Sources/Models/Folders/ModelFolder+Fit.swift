import Diagnostics

extension ModelFolder {
  /// Fits the model to the checkpoint that it is to be read from.
  ///
  /// A checkpoint under the model's own naming says little that is not known; one under another
  /// naming brings that one's numerics, and says itself how many classes and, by its position
  /// table, which image size it is for. What the user asks for comes first.
  ///
  /// Throws if the family has no names of this kind, or the checkpoint has a head that reads what
  /// vitc does not compute.
  mutating func fit(to checkpoint: any Checkpoint, _ options: ModelOptions) throws(Diagnostic) {
    var stored = StoredModel(
      checkpoint: checkpoint, naming: naming, isForeign: false, isByName: path == nil,
      options: options)
    if let found = Families.naming(of: checkpoint.names) {
      stored.naming = found
      stored.isForeign = type(of: found) != type(of: naming)
    }
    try stored.check(model.storedNames, of: model.family)
    if stored.isForeign {
      stored.notes.append(
        "the checkpoint has \(stored.naming.title): read as such, with its numerics")
    }
    if let convention = options.numerics
      ?? (stored.isForeign ? stored.naming.convention : nil)
    {
      model.follow(convention)
    }
    if stored.isForeign { model.adaptClasses(to: &stored) }
    try model.adapt(to: &stored)
    naming = stored.naming
    notes += stored.notes
    warnings += stored.warnings
  }
}
