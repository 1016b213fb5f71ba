import Diagnostics

/// InternViT: LayerScale; as timm has it without a final norm.
///
/// `features` is the class token; of a folder of transformers (`internvl_vision`), whose class has
/// no `pooler_output`, the mean of the patches where it says `use_mean_pooling`, as it does unless
/// told otherwise: there is no final norm then.
///
/// Reference: Chen et al. 2023, arXiv:2312.14238.
struct InternViT: TransformerFamily {
  static let title = "internvit"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames {
    StoredNames(transformers: .transformersInternVL.ignoring("mask_token"))
  }

  /// Both libraries add 1e-6.
  func arithmetic(under convention: NumericsConvention) -> TransformerArithmetic {
    var arithmetic = TransformerArithmetic.vit(convention)
    arithmetic.epsilon = 1e-6
    return arithmetic
  }

  static let modelTypes = [
    TransformersModel(
      modelType: "internvl_vision", prefix: "",
      anchor: ["embeddings.cls_token", "encoder.layer.0.attention.projection_layer.weight"],
      processor: "GotOcr2",
      assumed: .init(mode: .exact, edge: 448, .bicubic, Preprocessing.imageNet, crop: 448),
      crop: .isScaled, read: read)
  ]

  private static func read(
    _ root: ConfigurationObject, _ name: String
  ) throws(Diagnostic) -> any Family {
    var model = try VisionTransformer(root, name: name, patch: 14, epsilon: 1e-6, image: 448)
    model.dim = try root.integer("hidden_size") ?? 1024
    model.depth = try root.integer("num_hidden_layers") ?? 24
    model.heads = try root.integer("num_attention_heads") ?? 16
    model.mlpHidden = try root.integer("intermediate_size") ?? 4096
    model.qkvBias = try root.bool("attention_bias") ?? false
    model.normsWholeRows = try root.bool("use_qk_norm") ?? false
    model.layerScale = true
    switch try root.string("norm_type") ?? "layer_norm" {
    case "layer_norm": model.normKind = .layer
    case "rms_norm": model.normKind = .rootMeanSquare
    case let type:
      throw Diagnostic(
        "unknown 'norm_type' '\(type)'", at: .file(root.path),
        hint: "vitc supports 'layer_norm' and 'rms_norm'")
    }
    model.finalNormKind = .layer
    if !(try root.bool("use_absolute_position_embeddings") ?? true) {
      model.hasPositionTable = false
      model.positionPrefix = 0
    }
    if try root.bool("use_mean_pooling") ?? true {
      model.finalNorm = false
      model.pooling = .average
    }
    return InternViT(model)
  }

  static let variants = rows(
    [.layerScale, .noFinalNorm, .imageNetMean], classes: 0,
    [
      Row("vit_intern300m_patch14_448", .large, 14, 448, 1)
    ])
}

extension NameTable {
  /// transformers' names of InternVL's image encoder.
  static let transformersInternVL: NameTable =
    .transformersViT + [
      "blocks.{i}.attn.q": "encoder.layer.{i}.attention.q_proj",
      "blocks.{i}.attn.k": "encoder.layer.{i}.attention.k_proj",
      "blocks.{i}.attn.v": "encoder.layer.{i}.attention.v_proj",
      "blocks.{i}.attn.q_norm": "encoder.layer.{i}.attention.q_norm",
      "blocks.{i}.attn.k_norm": "encoder.layer.{i}.attention.k_norm",
      "blocks.{i}.attn.proj": "encoder.layer.{i}.attention.projection_layer",
      "blocks.{i}.ls1.gamma": "encoder.layer.{i}.lambda_1",
      "blocks.{i}.mlp.fc1": "encoder.layer.{i}.mlp.fc1",
      "blocks.{i}.mlp.fc2": "encoder.layer.{i}.mlp.fc2",
      "blocks.{i}.ls2.gamma": "encoder.layer.{i}.lambda_2",
    ]
}
