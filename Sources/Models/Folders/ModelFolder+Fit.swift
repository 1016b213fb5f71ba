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
    if !options.dropsHead { try fitHead(to: checkpoint) }
    try setHead(options)
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

  /// Tells of parts of the checkpoint that could be asked for and are not read.
  mutating func tellOfUnread(in checkpoint: any Checkpoint, _ options: ModelOptions) {
    if model.classes == 0, !options.dropsHead, configuration.map(TransformersFolder.isRead) != true,
      let classes = model.storedClasses(in: checkpoint, naming)
    {
      notes.append(
        "the checkpoint's head of \(classes) classes is left out, as the model has none: "
          + "--num-classes \(classes) reads it")
    }
    let pooler = TensorSpecification(name: "\(Pooler.name).weight", shape: [1, 1])
    let wantsFeatures =
      options.outputs.isEmpty
      ? model.classes == 0 : options.outputs.contains(where: \.isFeatures)
    if wantsFeatures, !options.outputs.contains(.pooler),
      let place = naming.place(pooler, model.storedNames), checkpoint.type(of: place.name) != nil
    {
      notes.append(
        "features are the class token; the checkpoint's '\(place.name)' makes transformers' "
          + "pooler_output of it, which is the output 'pooler'")
    }
  }

  /// Tells whether the head is the projection of a model that timm knows with texts.
  ///
  /// Names of classes, and what makes scores of them, say that it is not.
  mutating func setEmbedding(_ options: ModelOptions) {
    let variant = String(model.name.prefix { $0 != "." })
    guard model.classes > 0, options.scores == nil, model.facts.scores == nil,
      labels.map({ $0.count == 0 }) ?? true, configuration.map(TransformersFolder.isRead) != true,
      Tag.isProjection(model.classes, of: variant)
    else { return }
    model.facts.logitsAreEmbedding = true
    guard options.outputs.isEmpty || options.outputs.contains(.logits) else { return }
    notes.append(
      "logits are the model's projection: an embedding to compare with those of texts, not scores "
        + "of classes; of a head of your own --scores says what they are")
  }

  /// Makes the head what the user asked for.
  ///
  /// Throws if the number of classes is not possible.
  mutating func setHead(_ options: ModelOptions) throws(Diagnostic) {
    if options.dropsHead {
      model.classes = 0
    } else if let classes = options.classes, classes != model.classes {
      guard classes > 0 else {
        throw Diagnostic(
          "number of classes is \(classes), expected 1 or more", at: .argument("--num-classes"),
          hint: "say --head none for a model without head")
      }
      model.classes = classes
    } else {
      return
    }
    labels = nil
    setLabels()
  }
}
