import Diagnostics

/// YOLOS, as transformers has it: a ViT with detection tokens after the patches, and positions that
/// are added after each block but the last as well.
///
/// `tokens` is `last_hidden_state`: class token, patches, detection tokens. `features` is the class
/// token, `pooler` is `pooler_output` of the bare model. The heads for classes and boxes of
/// `YolosForObjectDetection` are not read.
///
/// Reference: Fang et al. 2021, arXiv:2106.00666.
struct YOLOS: TransformerFamily {
  static let title = "yolos"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { StoredNames(transformers: .transformersYOLOS) }

  /// Only folders of transformers have this model.
  static let variants: [Variant] = []

  static let modelTypes = [
    TransformersModel(
      modelType: "yolos", prefix: "vit.", anchor: ViT.anchor + ["embeddings.detection_tokens"],
      // Its images have sizes that depend on the photo.
      processor: "Yolos", assumed: nil, crop: .isScaled, read: read)
  ]

  private static func read(
    _ root: ConfigurationObject, _ name: String
  ) throws(Diagnostic) -> any Family {
    var model = try VisionTransformer(root, name: name, patch: 16, epsilon: 1e-12)
    if root.value("image_size") == nil {
      (model.imageHeight, model.imageWidth) = (512, 864)
      model.positionGrid = model.grid
    }
    model.mlpHidden = try root.integer("intermediate_size") ?? 3072
    model.suffixTokens = try root.integer("num_detection_tokens") ?? 100
    guard model.suffixTokens > 0 else {
      throw Diagnostic(
        "'num_detection_tokens' is \(model.suffixTokens), expected at least 1",
        at: .file(root.path))
    }
    model.hasMiddlePositions = try root.bool("use_mid_position_embeddings") ?? true
    // InterpolateMidPositionEmbeddings makes as many as pixels allow, whole rows or not.
    let (area, patch) = (model.imageHeight * model.imageWidth, model.patch)
    guard !model.hasMiddlePositions || area / (patch * patch) == model.patches else {
      throw Diagnostic(
        "'image_size' \(model.imageHeight)x\(model.imageWidth) makes "
          + "\(area / (patch * patch)) positions between blocks for \(model.patches) patches, "
          + "which transformers does not load either", at: .file(root.path),
        hint: "an 'image_size' that the patch size divides is needed")
    }
    return YOLOS(model)
  }

  /// Keeps the configuration's grid: the table does not say how much of it is beside one.
  mutating func adapt(to stored: inout StoredModel) throws(Diagnostic) {
    guard stored.isForeign || stored.naming is TransformersNaming else { return }
    try stored.naming.adapt(&model, storedNames, &stored)
  }
}

extension NameTable {
  /// transformers' names of YOLOS.
  static let transformersYOLOS: NameTable = {
    var table: NameTable = [
      "detection_tokens": "embeddings.detection_tokens",
      // On disk; in the module `interpolation` stands between.
      "mid_pos_embed": "encoder.mid_position_embeddings",
    ]
    table.unread = ["class_labels_classifier", "bbox_predictor", "pooler"]
    return .transformersViT + table
  }()
}
