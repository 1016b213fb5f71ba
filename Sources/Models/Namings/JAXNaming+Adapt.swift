import Diagnostics

extension JAXNaming {
  /// The file says whether there is a layer before the head and, by its position table, which image
  /// size it is for.
  func adapt(
    _ model: inout VisionTransformer, _ names: StoredNames, _ stored: inout StoredModel
  ) throws(Diagnostic) {
    if model.numerics == .timm {
      // timm's loader of these files resizes otherwise than its loader of its own.
      model.positionResize = .bilinear
    }
    if model.pooling != .distilled {
      let weight = TensorSpecification(
        name: "\(VisionTransformer.preLogitsName).weight", shape: [1, model.pooledDim])
      let width = place(weight, names)?.outputs(in: stored.checkpoint)
      model.preLogits = width ?? model.preLogits
    }
    adaptSize(&model, &stored)
    if stored.isByName, model.numerics == .jax {
      // The JAX code's evaluation: the whole picture, its aspect not kept.
      model.preprocessing = Preprocessing(
        mode: .exact, resizeWidth: model.imageWidth, resizeHeight: model.imageHeight,
        filter: .bilinear, mean: Preprocessing.half.0, deviation: Preprocessing.half.1)
    }
    if poolsByAttention { try tellOfAttentionPooling(model, &stored) }
  }

  private func adaptSize(_ model: inout VisionTransformer, _ stored: inout StoredModel) {
    let (height, width) = (model.imageHeight, model.imageWidth)
    let size = model.positionGrid.map { $0 * model.coveredByPatch }
    guard stored.options.imageSize == nil, model.positionGrid != model.grid,
      let resized = try? model.resized(height: size[0], width: size[1])
    else { return }
    model = resized
    stored.notes.append(
      "images are \(size[0])x\(size[1]), as the checkpoint's positions say; the model's own are "
        + "\(height)x\(width)")
  }

  /// The tokens are those of the file's model, but not what is made of them.
  private func tellOfAttentionPooling(
    _ model: VisionTransformer, _ stored: inout StoredModel
  ) throws(Diagnostic) {
    let what = "the file's model pools by attention ('\(Self.attentionPooling)')"
    let features = model.pooling == .average ? "the mean of the tokens" : "the class token"
    let file = Diagnostic.Location.file(stored.checkpoint.path)
    guard model.classes == 0 else {
      throw Diagnostic(
        "\(what), which vitc does not compute, and its head reads that", at: file,
        hint: "say --head none for features, which are \(features) instead, and tokens")
    }
    stored.warnings.append(
      Diagnostic(
        "\(what), which vitc does not compute: features are \(features) instead",
        severity: .warning, at: file,
        hint: "'--outputs tokens' returns what the pooling reads"))
  }
}
