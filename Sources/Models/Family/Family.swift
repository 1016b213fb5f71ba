import Diagnostics
import IR

/// A family of models: all that is particular to it is in its file in `Families`.
///
/// A value is the configuration of one model; the names that the family answers to are static.
/// Nothing has a default here that an author must think about.
protocol Family: ModelConfiguration, Hashable {
  /// What `vitc list` and messages call it.
  static var title: String { get }
  /// The models that are known by name, timm's or the papers', small ones first.
  static var variants: [Variant] { get }
  /// The `model_type`s of transformers that it answers to, and how their folders are read.
  static var modelTypes: [TransformersModel] { get }

  /// What the namings of checkpoints call its tensors.
  var storedNames: StoredNames { get }
  /// The layers that make logits; the first one tells how many classes a checkpoint has.
  var classifiers: [Head] { get }
  /// `false` iff nothing is made of the tokens: there are no features and no logits.
  var hasFeatures: Bool { get }
  /// How many of the first tokens are not patches of the image.
  var prefixTokens: Int { get }

  /// Applies the arguments of timm's constructor that a folder has on top of its architecture's.
  mutating func apply(_ arguments: TimmArguments) throws(Diagnostic)

  /// Takes over another convention's arithmetic; changes nothing if it follows it already.
  mutating func follow(_ convention: NumericsConvention)

  /// Takes from the checkpoint what it says itself, classes apart.
  mutating func adapt(to stored: inout StoredModel) throws(Diagnostic)

  /// Which places of the image the tokens after a block are; `nil`: those that the body gives.
  func tokenMap(afterBlock index: Int?) -> TokenMap

  /// Returns what the layers ask for when they are appended, those of outputs that need more than
  /// the model itself too.
  func tensors(
    fusedQKV: Bool, outputs: [ModelOutput]
  ) throws(Diagnostic) -> [TensorSpecification]

  /// Appends the body: all tokens, prefix tokens first.
  func tokens(of image: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value
  /// Appends what is made of the tokens for the head.
  func pooled(_ tokens: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value
  /// Appends what `pooler` means: one row; throws if there is no such layer.
  func pooler(_ tokens: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value
  /// Appends what `features` means: one row.
  func features(_ pooled: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value
  /// Appends the head: one row.
  func logits(_ pooled: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value
}

extension Family {
  /// The family's name.
  var family: String { Self.title }

  /// Images.
  var text: TextInput? { nil }

  /// Returns the model as a graph in the `imported` form: the textbook's operations, one a line,
  /// under the checkpoint's names.
  func graph(outputs: [ModelOutput], tensors: TensorLayout) throws(Diagnostic) -> Graph {
    try check()
    try checkOutputs(outputs)
    var builder = ModelBuilder(name: name, tensors: tensors)
    let all = try tokens(of: try builder.image(facts), in: &builder)
    let pooled = try pooled(all, in: &builder)
    let appender = OutputAppender(self, tokens: all, pooled: pooled, builder)
    for output in outputs { try appender.append(output, to: &builder) }
    return try builder.finished()
  }

  /// Returns what the layers ask for when they are appended.
  ///
  /// The graph itself is not finished: that takes as long again, for what nobody reads.
  func tensors(fusedQKV: Bool) throws(Diagnostic) -> [TensorSpecification] {
    try tensors(fusedQKV: fusedQKV, outputs: [])
  }

  /// Returns what the layers ask for, those of outputs that need more than the model itself too.
  func tensors(
    fusedQKV: Bool, outputs: [ModelOutput]
  ) throws(Diagnostic) -> [TensorSpecification] {
    try check()
    var builder = ModelBuilder(name: name, tensors: .canonical(fusedQKV: fusedQKV))
    let all = try tokens(of: try builder.image(facts), in: &builder)
    let pooled = try pooled(all, in: &builder)
    // A head that is supplied is not asked of the checkpoint.
    let hasOwnHead = classes > 0 && facts.suppliedHead == nil
    _ = try hasOwnHead ? logits(pooled, in: &builder) : features(pooled, in: &builder)
    if outputs.contains(.pooler) { _ = try pooler(all, in: &builder) }
    return builder.specifications
  }

  /// How many classes the checkpoint's head has; `nil` if it has none, or one of another form.
  func storedClasses(in checkpoint: any Checkpoint, _ naming: any Naming) -> Int? {
    guard let head = classifiers.first,
      let place = naming.place(head.weight(classes: 1), storedNames),
      let shape = checkpoint.type(of: place.name)?.shape,
      let found = place.outputs(in: checkpoint), found > 0,
      let wanted = naming.place(head.weight(classes: found), storedNames),
      wanted.shapes.contains(shape)
    else { return nil }
    return found
  }

  /// Takes the number of classes from the checkpoint, unless the user says it.
  mutating func adaptClasses(to stored: inout StoredModel) {
    // A head that is there but cannot be read is not absent.
    guard stored.options.classes == nil, !stored.options.dropsHead,
      let weight = classifiers.first?.weight(classes: classes),
      let head = stored.place(weight, storedNames), stored.checkpoint.fault(of: head.name) == nil
    else { return }
    let found = storedClasses(in: stored.checkpoint, stored.naming) ?? 0
    guard found > 0 || stored.checkpoint.type(of: head.name) == nil else { return }
    guard found != classes else { return }
    stored.notes.append(
      found == 0
        ? "the checkpoint has no head: features only"
        : "the checkpoint has \(found) classes; the model's own has \(classes)")
    classes = found
    labels = []
  }
}
