import Diagnostics
import JSON

extension ModelFolder {
  /// Makes the head what the checkpoint has: one that is there is not left out without a word,
  /// whatever `architectures` says.
  ///
  /// That is what transformers' `AutoModelForImageClassification` loads: it goes by `model_type`
  /// alone.
  mutating func fitHead(to checkpoint: any Checkpoint) throws(Diagnostic) {
    guard let root = configuration, TransformersFolder.isRead(root), let path,
      let naming = Families.naming(of: checkpoint.names) as? TransformersNaming
    else { return }
    let architecture = try TransformersHead.architecture(root)
    let called = architecture.map { "architecture '\($0)'" } ?? "no architecture"
    let found = Self.headed(root, path) { model in
      model.classifiers.allSatisfy {
        guard let place = naming.place($0.weight(classes: 1), model.storedNames) else {
          return false
        }
        return checkpoint.type(of: place.name) != nil
      }
    }
    if model.classes == 0, let found, let head = found.model.classifiers.first,
      let name = naming.place(head.weight(classes: 1), model.storedNames)?.name
    {
      guard architecture?.hasSuffix("Backbone") != true else {
        notes.append("the head '\(name)' is left out: \(called) has none")
        return
      }
      self.takeOver(found)
      notes.append(
        "\(called) says nothing of a head, but the checkpoint has '\(name)': compiled for image "
          + "classification; --head none leaves it out")
    } else if model.classes > 0, found == nil, architecture == nil {
      // Labels alone do not make a head.
      self.takeOver(try TransformersFolder.read(root.saying(architecture: "Model"), folder: path))
      notes.append("the checkpoint has no head: features only")
    }
    try adaptClasses(to: checkpoint, naming)
  }

  /// The folder as a model with the head that `isThere` finds.
  private static func headed(
    _ root: ConfigurationObject, _ path: String, _ isThere: (any Family) -> Bool
  ) -> ModelFolder? {
    for suffix in TransformersHead.suffixes {
      // Most types have no second head.
      if let folder = try? TransformersFolder.read(root.saying(architecture: suffix), folder: path),
        isThere(folder.model)
      {
        return folder
      }
    }
    return nil
  }

  private mutating func takeOver(_ other: ModelFolder) {
    let scores = model.facts.scores
    model = other.model
    model.facts.scores = scores
    setLabels()
  }

  /// The checkpoint says how many classes there are, where the configuration knows by its labels
  /// only.
  private mutating func adaptClasses(
    to checkpoint: any Checkpoint, _ naming: TransformersNaming
  ) throws(Diagnostic) {
    guard model.classes > 0, let stored = model.storedClasses(in: checkpoint, naming),
      stored != model.classes
    else { return }
    model.classes = stored
    setLabels()
  }
}

extension ConfigurationObject {
  /// The same configuration under another `architectures`.
  fileprivate func saying(architecture: String) -> ConfigurationObject {
    var members = members
    members["architectures"] = .array([.string(architecture)])
    return ConfigurationObject(path: path, prefix: prefix, members: members)
  }
}
