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
    if poolsByAttention { try adaptPooling(&model, names, &stored) }
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

  /// What the file's model pools by attention, this one does, if its family has names for it.
  ///
  /// timm's SigLIP models of the name `gap` leave that out on purpose.
  private func adaptPooling(
    _ model: inout VisionTransformer, _ names: StoredNames, _ stored: inout StoredModel
  ) throws(Diagnostic) {
    guard model.pooling != .attention else { return }
    let what = "the file's model pools by attention ('\(Self.attentionPooling)')"
    let file = Diagnostic.Location.file(stored.checkpoint.path)
    let latent = TensorSpecification(
      name: "\(AttentionPooling.name).latent", shape: [1, 1, model.dim])
    guard stored.place(latent, names) == nil else {
      model.pooling = .attention
      // big_vision's models that pool so have no class token.
      let token = TensorSpecification(name: "cls_token", shape: [1, 1, model.dim])
      if model.hasClassToken, let place = stored.place(token, names),
        stored.checkpoint.type(of: place.name) == nil
      {
        model.hasClassToken = false
        model.positionPrefix = 0
      }
      stored.notes.append("\(what), and so does this one")
      return
    }
    guard model.classes == 0 else {
      throw Diagnostic(
        "\(what), this one does not, and the file's head reads that", at: file,
        hint: "name a model without 'gap', as of 'vitc list''s family siglip")
    }
    stored.warnings.append(
      Diagnostic(
        "\(what), this one does not: features are the mean of the tokens instead",
        severity: .warning, at: file,
        hint: "name the model without 'gap' for the file's own features"))
  }
}
