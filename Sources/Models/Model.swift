import Diagnostics
import Foundation
import IR

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
  /// `--numerics`: whose arithmetic; `nil`: that of the checkpoint's family.
  public var numerics: NumericsConvention?

  /// Creates options; by default everything is as the model says.
  public init(
    weights: String? = nil, imageSize: (height: Int, width: Int)? = nil, classes: Int? = nil,
    dropsHead: Bool = false, numerics: NumericsConvention? = nil
  ) {
    self.numerics = numerics
    self.weights = weights
    self.imageSize = imageSize
    self.classes = classes
    self.dropsHead = dropsHead
  }
}

/// A model that is ready to become a graph: configuration and checkpoint, known to fit.
public struct Model: Sendable {
  /// What defines it.
  public var configuration: any ModelConfiguration
  /// How the checkpoint names its tensors.
  public var names: TensorNames
  /// Its weights.
  public var checkpoint: CheckedCheckpoint
  /// What was assumed or decided, a line each, for the compile report.
  public var notes: [String]
  /// What the user should know of the checkpoint, even before a tensor is read.
  public var warnings: [Diagnostic]

  /// Loads MODEL: a variant's name, or a folder as the Hugging Face hub has them (transformers' or
  /// timm's).
  ///
  /// Throws if there is no such model, a file is unreadable, the options contradict the model, or
  /// the checkpoint's tensors do not fit it; the latter diagnostic lists all of them.
  public static func load(
    _ name: String, options: ModelOptions = ModelOptions()
  ) throws(Diagnostic) -> Model {
    var source = try source(name)
    if options.dropsHead {
      source.configuration.classes = 0
      source.configuration.labels = []
    } else if let classes = options.classes, classes != source.configuration.classes {
      guard classes > 0 else {
        throw Diagnostic(
          "number of classes is \(classes), expected 1 or more", at: .argument("--num-classes"),
          hint: "say --head none for a model without head")
      }
      source.configuration.classes = classes
      source.configuration.labels = []
    }
    let checkpoint = try openCheckpoint(name, &source, options)
    source.notes += checkpoint.notes
    try source.fit(to: checkpoint, options)
    try source.configuration.check()
    if let size = options.imageSize {
      do {
        source.configuration = try source.configuration.resized(
          height: size.height, width: size.width)
      } catch {
        var located = error
        located.location = .argument("--image-size")
        throw located
      }
    }
    let check = TensorCheck(source.configuration, names: source.names, checkpoint: checkpoint)
    try check.run()
    return Model(
      configuration: source.configuration, names: source.names,
      checkpoint: CheckedCheckpoint(
        source.names.keepsArrangement
          ? checkpoint : ArrangedCheckpoint(checkpoint, places: check.wanted),
        head: check.head), notes: source.notes, warnings: source.warnings)
  }

  /// What a library of this model returns unless the user says otherwise: logits, or features where
  /// there is no head.
  public var defaultOutputs: [ModelOutput] { configuration.classes > 0 ? [.logits] : [.features] }

  /// Returns the model as a graph in the `imported` form, under the checkpoint's tensor names.
  ///
  /// Throws if an output is wanted that the model does not have.
  public func graph(outputs: [ModelOutput]) throws(Diagnostic) -> Graph {
    let fused = names.fusesQKV
    let stored = Dictionary(
      configuration.tensors(fusedQKV: fused).map {
        ($0.name, names.place($0, of: configuration).graphName)
      }, uniquingKeysWith: { first, _ in first })
    return try configuration.graph(fusedQKV: fused, outputs: outputs) { stored[$0] ?? $0 }
  }

  private static func source(_ name: String) throws(Diagnostic) -> ModelFolder {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: name, isDirectory: &isFolder) {
      guard isFolder.boolValue else {
        throw Diagnostic(
          "is a file; MODEL is a variant's name or a folder", at: .file(name),
          hint: "name the variant and give the file with --weights")
      }
      return try ModelFolder(path: name)
    }
    if name.hasPrefix("/") || name.hasPrefix(".") || name.hasPrefix("~") || name.hasSuffix("/") {
      throw Diagnostic("no such folder", at: .file(name))
    }
    let variant = try Variants.named(name)
    return ModelFolder(
      path: nil, configuration: variant.configuration, names: .timm, notes: [])
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
      source.names = .timm
      let tensors = source.configuration.tensors(fusedQKV: true)
      return SeededCheckpoint(
        seed: seed,
        shapes: Dictionary(
          tensors.map { ($0.name, $0.type.shape) }, uniquingKeysWith: { first, _ in first }))
    }
    return try CheckpointFile.open(path: path)
  }
}
