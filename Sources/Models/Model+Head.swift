import Diagnostics
import IR

extension Model {
  /// Returns the model up to what a head reads, as a graph in the `imported` form whose output is
  /// called `features`.
  ///
  /// Throws if the model has nothing of the kind.
  public func graph(
    reading reads: SuppliedHead.Features
  ) throws(Diagnostic) -> Graph {
    try family.graph(reading: reads, tensors: places.layout)
  }

  /// Returns the model with a head that is not the checkpoint's.
  ///
  /// The model must have been loaded without a head.
  ///
  /// Throws if the head reads another number of features than the model gives.
  public func attaching(
    _ head: SuppliedHead, scores: ScoreFunction? = nil
  ) throws(Diagnostic) -> Model {
    let given = try graph(reading: head.reads)
    let width = given.outputs.first.map { given[$0.value].type.count } ?? 0
    guard width == head.width else {
      let fitting = SuppliedHead.Features.allCases.first { kind in
        guard let graph = try? self.graph(reading: kind), let output = graph.outputs.first else {
          return false
        }
        return graph[output.value].type.count == head.width
      }
      throw Diagnostic(
        "the head reads \(head.width) features, '\(family.name)' gives \(width) of the kind "
          + "'\(head.reads.rawValue)'", at: .file(head.source),
        hint: fitting.map {
          "\(head.width) are those of '\($0.rawValue)': say so in the metadata, as 'features'"
        } ?? "the head was made for another model")
    }
    var family = family
    family.facts.classes = head.classes
    family.facts.labels = head.labels
    family.facts.scores = scores ?? head.scores
    family.facts.logitsAreEmbedding = false
    family.facts.suppliedHead = head.form
    return Model(
      family: family, places: places,
      checkpoint: CheckedCheckpoint(SuppliedCheckpoint(checkpoint, head)), notes: notes,
      warnings: warnings, own: own)
  }
}
