import IR

extension ModelFolder {
  /// Fits the model to the checkpoint that it is to be read from.
  ///
  /// A checkpoint of the model's own family says little that is not known; one of another family's
  /// names brings that family's numerics, and says itself how many classes and, by its position
  /// table, which image size it is for. What the user asks for comes first.
  mutating func fit(to checkpoint: any Checkpoint, _ options: ModelOptions) {
    if case .transformers(let family, _) = names,
      case .transformers(_, let prefix)? = TensorNames.recognized(checkpoint.names)
    {
      names = .transformers(family, prefix: prefix)
    }
    guard let found = TensorNames.recognized(checkpoint.names), found.kind != names.kind else {
      if names == .timm { fitPositions(to: checkpoint, prefixes: [configuration.positionPrefix]) }
      return follow(options.numerics)
    }
    names = found
    follow(options.numerics ?? found.convention)
    if case .jax = found, configuration.numerics == .timm {
      // timm's loader of these files resizes otherwise than its loader of its own.
      configuration.positionResize = .bilinear
    }
    notes.append("the checkpoint has \(found.kind): read as such, with its numerics")
    fitHead(to: checkpoint, options)
    let tokens = configuration.prefixTokens - configuration.registerTokens
    fitPositions(to: checkpoint, prefixes: [tokens, 0, configuration.prefixTokens])
    guard case .jax = found else { return }
    let (height, width) = (configuration.imageHeight, configuration.imageWidth)
    let size = configuration.positionGrid.map { $0 * configuration.patch }
    if options.imageSize == nil, configuration.positionGrid != configuration.grid,
      let resized = try? configuration.resized(height: size[0], width: size[1])
    {
      configuration = resized
      notes.append(
        "images are \(size[0])x\(size[1]), as the checkpoint's positions say; the model's own are "
          + "\(height)x\(width)")
    }
    if path == nil, configuration.numerics == .jax {
      // The JAX code's evaluation: the whole picture, its aspect not kept.
      configuration.preprocessing = Preprocessing(
        mode: .exact, resizeWidth: configuration.imageWidth,
        resizeHeight: configuration.imageHeight, filter: .bilinear, mean: Preprocessing.half.0,
        deviation: Preprocessing.half.1)
    }
  }

  private mutating func follow(_ convention: NumericsConvention?) {
    if let convention { configuration = configuration.following(convention) }
  }

  /// Takes the layer before the head and the number of classes from the checkpoint.
  private mutating func fitHead(to checkpoint: any Checkpoint, _ options: ModelOptions) {
    func place(_ name: String) -> StoredTensor {
      let type = TensorType(.f32, [1, configuration.pooledDim])
      return names.place(TensorSpecification(name: name, type: type), of: configuration)
    }
    func outputs(_ place: StoredTensor) -> Int? {
      guard let shape = checkpoint.type(of: place.name)?.shape, shape.count == 2 else { return nil }
      return place.arrangement == .same ? shape[0] : shape[1]
    }
    if case .jax = names, configuration.pooling != .distilled,
      let width = outputs(place("pre_logits.weight"))
    {
      configuration.preLogits = width
    }
    let head = place("head.weight")
    // A head that is there but cannot be read is not absent.
    guard options.classes == nil, !options.dropsHead, checkpoint.fault(of: head.name) == nil else {
      return
    }
    let classes = outputs(head) ?? 0
    guard classes != configuration.classes else { return }
    notes.append(
      classes == 0
        ? "the checkpoint has no head: features only"
        : "the checkpoint has \(classes) classes; the model's own has \(configuration.classes)")
    configuration.classes = classes
    configuration.labels = []
  }

  /// Takes the grid of the position table from the checkpoint: any square one fits, and is resized.
  ///
  /// `prefixes` are the numbers of tokens before the patches that may have positions; the first one
  /// that leaves a square counts.
  private mutating func fitPositions(to checkpoint: any Checkpoint, prefixes: [Int]) {
    let table = TensorSpecification(
      name: "pos_embed", type: .f32(1, configuration.positionRows, configuration.dim))
    let name = names.place(table, of: configuration).name
    guard let shape = checkpoint.type(of: name)?.shape, (2...3).contains(shape.count) else {
      return
    }
    let rows = shape[shape.count - 2]
    for prefix in prefixes where rows > prefix {
      let side = Int(Double(rows - prefix).squareRoot().rounded())
      guard side * side == rows - prefix else { continue }
      // A grid of as many patches that is no square is the model's own.
      if (rows, prefix) == (configuration.positionRows, configuration.positionPrefix) { return }
      configuration.positionGrid = [side, side]
      configuration.positionPrefix = prefix
      return
    }
  }
}

extension TensorNames {
  /// The family, for messages: "transformers' names".
  var kind: String {
    switch self {
    case .timm: "timm's names"
    case .transformers: "transformers' names"
    case .jax: "the names of Google's JAX code"
    }
  }
}
