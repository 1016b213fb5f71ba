import Diagnostics

/// Pixio, as transformers has it: a ViT with 8 class tokens.
///
/// `features` is `pooler_output`: the mean of the normalized class tokens.
///
/// Reference: Yang et al. 2025, arXiv:2512.15715.
struct Pixio: TransformerFamily {
  static let title = "pixio"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { StoredNames(transformers: .transformersPixio) }

  /// Only folders of transformers have this model.
  static let variants: [Variant] = []

  static let modelTypes = [
    TransformersModel(
      modelType: "pixio", prefix: "pixio.",
      anchor: ["embeddings.cls_token", "encoder.layer.0.norm1.weight"], processor: "Bit",
      assumed: .init(mode: .shortestEdge, edge: 256, .bicubic, Preprocessing.imageNet, crop: 256),
      crop: .isScaled
    ) { (root, name) throws(Diagnostic) in
      var model = try VisionTransformer(root, name: name, patch: 16, epsilon: 1e-6, image: 256)
      // The defaults of the class are those of the huge model.
      model.dim = try root.integer("hidden_size") ?? 1280
      model.depth = try root.integer("num_hidden_layers") ?? 32
      model.heads = try root.integer("num_attention_heads") ?? 16
      model.mlpHidden = try root.width("mlp_ratio", of: model.dim, default: 4)
      model.classTokens = try root.integer("n_cls_tokens") ?? 8
      model.positionPrefix = model.classTokens
      model.pooling = .classAverage
      return Pixio(model)
    }
  ]
}

extension NameTable {
  /// transformers' names of Pixio.
  static let transformersPixio: NameTable =
    .transformersViT + [
      "blocks.{i}.norm1": "encoder.layer.{i}.norm1",
      "blocks.{i}.norm2": "encoder.layer.{i}.norm2",
    ]
}
