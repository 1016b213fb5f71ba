import Diagnostics
import Files
import IR

/// A model that is ready to become a graph: configuration and checkpoint, known to fit.
public struct Model: Sendable {
  /// What defines it.
  var family: any Family
  /// How the checkpoint names its tensors.
  let places: TensorPlaces
  /// Its weights.
  public var checkpoint: CheckedCheckpoint
  /// What was assumed or decided, a line each, for the compile report.
  public var notes: [String]
  /// What the user should know of the checkpoint, even before a tensor is read.
  public var warnings: [Diagnostic]
  /// How the vectors of a text tower are compared with those of images; `nil`: it is none, or the
  /// checkpoint does not say.
  public var comparison: TextComparison?
  /// The size that the model has by itself, and how its images are preprocessed then.
  var own: OwnSize?

  /// What defines it.
  public var configuration: any ModelConfiguration { family }

  /// Loads MODEL: a variant's name, alone or with the tag of pretrained weights (`NAME.TAG`, as
  /// timm names them), or a folder as the Hugging Face hub has them (transformers' or timm's).
  ///
  /// Throws if there is no such model, a file is unreadable, the options contradict the model, or
  /// the checkpoint's tensors do not fit it; the latter diagnostic lists all of them.
  public static func load(
    _ name: String, options: ModelOptions = ModelOptions()
  ) throws(Diagnostic) -> Model {
    var source = try source(name, options)
    let checkpoint = try openCheckpoint(name, &source, options)
    source.notes += checkpoint.notes
    try source.fit(to: checkpoint, options)
    try source.model.check()
    let own = OwnSize(source.model)
    if let size = options.imageSize {
      do {
        source.model = try source.model.resized(height: size.height, width: size.width)
      } catch {
        var located = error
        located.location = .argument("--image-size")
        throw located
      }
    }
    source.setEmbedding(options)
    source.model.facts.scores = options.scores ?? source.model.facts.scores
    let places = TensorPlaces(source.model, source.naming, path: checkpoint.path)
    let check = try TensorCheck(source.model, places, checkpoint, outputs: options.outputs)
    let leftovers = try check.run()
    if !leftovers.isEmpty {
      source.notes.append(
        "ignored what training left: \(ShortList.text(leftovers.map { "'\($0)'" }))")
    }
    source.tellOfUnread(in: checkpoint, options)
    return Model(
      family: source.model, places: places,
      checkpoint: CheckedCheckpoint(
        check.keepsArrangement
          ? checkpoint : ArrangedCheckpoint(checkpoint, places: check.wanted),
        head: check.head), notes: source.notes,
      warnings: source.warnings + [source.labelWarning].compactMap(\.self), own: own)
  }

  /// What a library of this model returns unless the user says otherwise: logits, features where
  /// there is no head, tokens where nothing is pooled.
  public var defaultOutputs: [ModelOutput] {
    if family.classes > 0 { return [.logits] }
    return family.hasFeatures ? [.features] : [.tokens]
  }

  /// Returns the model as a graph in the `imported` form, under the checkpoint's tensor names.
  ///
  /// Throws if an output is wanted that the model does not have.
  public func graph(outputs: [ModelOutput]) throws(Diagnostic) -> Graph {
    try family.graph(outputs: outputs, tensors: places.layout)
  }

  private static func source(
    _ name: String, _ options: ModelOptions
  ) throws(Diagnostic) -> ModelFolder {
    if let found = Path.kind(of: name) {
      guard found == .folder else {
        throw Diagnostic(
          "is a file; MODEL is a variant's name or a folder", at: .file(name),
          hint: "name the variant and give the file with --weights")
      }
      return try ModelFolder(path: name)
    }
    if name.hasPrefix("/") || name.hasPrefix(".") || name.hasPrefix("~") || name.hasSuffix("/") {
      throw Diagnostic("no such folder", at: .file(name))
    }
    if let tag = try Tag.named(name) {
      return ModelFolder(path: nil, model: try tag.model(), naming: TimmNaming())
    }
    let variant = try Variants.named(name)
    var found = ModelFolder(path: nil, model: variant.model, naming: TimmNaming())
    // Of pseudo-random weights nobody asks what they were trained with.
    if let weights = options.weights, !weights.hasPrefix("seed:"),
      let note = Tag.note(for: variant)
    {
      found.notes.append(note)
    }
    return found
  }

  private static func openCheckpoint(
    _ name: String, _ source: inout ModelFolder, _ options: ModelOptions
  ) throws(Diagnostic) -> any Checkpoint {
    guard let path = options.weights ?? source.path else {
      throw Diagnostic(
        "no weights for '\(name)'", at: .argument("--weights"),
        hint:
          "name a safetensors, PyTorch or .npz file, or say --weights seed:N for pseudo-random ones"
      )
    }
    if path.hasPrefix("seed:") {
      guard let seed = UInt64(path.dropFirst(5)) else {
        throw Diagnostic(
          "invalid seed '\(path)'", at: .argument("--weights"),
          hint: "a seed is a number from 0 to \(UInt64.max), as in seed:1")
      }
      source.naming = TimmNaming()
      try source.setHead(options)
      return SeededCheckpoint(
        seed: seed,
        shapes: Dictionary(
          try source.model.tensors().map { ($0.name, $0.type.shape) },
          uniquingKeysWith: { first, _ in first }))
    }
    return try TensorSelection.selected(
      from: CheckpointFile.open(path: path), ignoring: options.ignoredTensors)
  }
}
