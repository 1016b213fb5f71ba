import Diagnostics
import IR

extension ModelFolder {
  /// Fits the model to the checkpoint that it is to be read from.
  ///
  /// A checkpoint of the model's own family says little that is not known; one of another family's
  /// names brings that family's numerics, and says itself how many classes and, by its position
  /// table, which image size it is for. What the user asks for comes first.
  ///
  /// Throws if the checkpoint has a head that reads what vitc does not compute.
  mutating func fit(to checkpoint: any Checkpoint, _ options: ModelOptions) throws(Diagnostic) {
    if case .transformers(let family, _) = names,
      case .transformers(_, let prefix)? = TensorNames.recognized(checkpoint.names)
    {
      names = .transformers(family, prefix: prefix)
    }
    let recognized = TensorNames.recognized(checkpoint.names)
    let found = recognized.flatMap { $0.kind == names.kind ? nil : $0 }
    if let found {
      names = found
      notes.append("the checkpoint has \(found.kind): read as such, with its numerics")
    }
    if let convention = options.numerics ?? found?.convention {
      configuration = configuration.following(convention)
    }
    if var model = configuration as? ViTConfiguration {
      fit(&model, to: checkpoint, found, options)
      configuration = model
      if case .jax(let names)? = found, names.poolsByAttention {
        try tellOfAttentionPooling(model, checkpoint)
      }
    } else if found != nil {
      var model = configuration
      fitHead(of: &model, to: checkpoint, options)
      configuration = model
    }
  }

  private mutating func fit(
    _ model: inout ViTConfiguration, to checkpoint: any Checkpoint, _ found: TensorNames?,
    _ options: ModelOptions
  ) {
    guard let found else {
      if names == .timm { fitPositions(of: &model, to: checkpoint, [model.positionPrefix]) }
      return
    }
    var isJAX = false
    if case .jax = found { isJAX = true }
    if isJAX, model.numerics == .timm {
      // timm's loader of these files resizes otherwise than its loader of its own.
      model.positionResize = .bilinear
    }
    if isJAX, model.pooling != .distilled {
      let type = TensorType(.f32, [1, model.pooledDim])
      let place = names.place(
        TensorSpecification(name: "pre_logits.weight", type: type), of: model)
      model.preLogits = place.outputs(in: checkpoint) ?? model.preLogits
    }
    fitHead(of: &model, to: checkpoint, options)
    let tokens = model.prefixTokens - model.registerTokens
    fitPositions(of: &model, to: checkpoint, [tokens, 0, model.prefixTokens])
    guard isJAX else { return }
    let (height, width) = (model.imageHeight, model.imageWidth)
    let covered = model.patch * (model.trunk?.stride ?? 1)
    let size = model.positionGrid.map { $0 * covered }
    if options.imageSize == nil, model.positionGrid != model.grid,
      let resized = try? model.resized(height: size[0], width: size[1])
    {
      model = resized
      notes.append(
        "images are \(size[0])x\(size[1]), as the checkpoint's positions say; the model's own are "
          + "\(height)x\(width)")
    }
    if path == nil, model.numerics == .jax {
      // The JAX code's evaluation: the whole picture, its aspect not kept.
      model.preprocessing = Preprocessing(
        mode: .exact, resizeWidth: model.imageWidth, resizeHeight: model.imageHeight,
        filter: .bilinear, mean: Preprocessing.half.0, deviation: Preprocessing.half.1)
    }
  }

  /// The tokens are those of the file's model, but not what is made of them.
  private mutating func tellOfAttentionPooling(
    _ model: ViTConfiguration, _ checkpoint: any Checkpoint
  ) throws(Diagnostic) {
    let what = "the file's model pools by attention ('\(JAXNames.attentionPooling)')"
    let features = model.pooling == .average ? "the mean of the tokens" : "the class token"
    guard model.classes == 0 else {
      throw Diagnostic(
        "\(what), which vitc does not compute, and its head reads that",
        at: .file(checkpoint.path),
        hint: "say --head none for features, which are \(features) instead, and tokens")
    }
    warnings.append(
      Diagnostic(
        "\(what), which vitc does not compute: features are \(features) instead",
        severity: .warning, at: .file(checkpoint.path),
        hint: "'--outputs tokens' gives what the pooling reads"))
  }

  /// Takes the number of classes from the checkpoint.
  private mutating func fitHead<C: ModelConfiguration>(
    of model: inout C, to checkpoint: any Checkpoint, _ options: ModelOptions
  ) {
    // A head that is there but cannot be read is not absent.
    guard options.classes == nil, !options.dropsHead, let weight = model.headWeights.first
    else { return }
    let head = names.place(weight, of: model)
    guard checkpoint.fault(of: head.name) == nil else { return }
    let classes = head.outputs(in: checkpoint) ?? 0
    guard classes != model.classes else { return }
    notes.append(
      classes == 0
        ? "the checkpoint has no head: features only"
        : "the checkpoint has \(classes) classes; the model's own has \(model.classes)")
    model.classes = classes
    model.labels = []
  }

  /// Takes the grid of the position table from the checkpoint: any square one fits, and is resized.
  ///
  /// `prefixes` are the numbers of tokens before the patches that may have positions; the first one
  /// that leaves a square counts.
  private func fitPositions(
    of model: inout ViTConfiguration, to checkpoint: any Checkpoint, _ prefixes: [Int]
  ) {
    let table = TensorSpecification(
      name: "pos_embed", type: .f32(1, model.positionRows, model.dim))
    let name = names.place(table, of: model).name
    guard let shape = checkpoint.type(of: name)?.shape, (2...3).contains(shape.count) else {
      return
    }
    let rows = shape[shape.count - 2]
    for prefix in prefixes where rows > prefix {
      let side = Int(Double(rows - prefix).squareRoot().rounded())
      guard side * side == rows - prefix else { continue }
      // A grid of as many patches that is no square is the model's own.
      if (rows, prefix) == (model.positionRows, model.positionPrefix) { return }
      model.positionGrid = [side, side]
      model.positionPrefix = prefix
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
    case .bigTransfer: "the names of Google's Big Transfer"
    }
  }
}
