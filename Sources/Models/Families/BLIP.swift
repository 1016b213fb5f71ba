import Diagnostics

/// The image encoders of BLIP and BLIP-2, as transformers has them: queries, keys and values in one
/// layer.
///
/// `features` is `pooler_output`: the normalized class token, which passes the same norm a second
/// time. `tokens` are normalized once.
///
/// Reference: Li et al. 2022, arXiv:2201.12086, and Li et al. 2023, arXiv:2301.12597.
struct BLIP: TransformerFamily {
  static let title = "blip"

  var model: VisionTransformer

  /// Parts of names of what stands beside the image encoder and is not read.
  private var surroundings: Set<String> = []

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames {
    var table = NameTable.transformersBLIP
    table.unread = surroundings
    return StoredNames(transformers: table)
  }

  /// Only folders of transformers have this model.
  static let variants: [Variant] = []

  static let modelTypes = [
    type("blip_vision_model", edge: 384, readFirst),
    type("blip_2_vision_model", edge: 224, readSecond),
    // For captions, answers, and which text fits an image; the bare `BlipModel` has a projection of
    // images beside, which none of these has, and is refused.
    whole(
      "blip", edge: 384, readFirst,
      beside: ["text_encoder", "text_decoder", "vision_proj", "text_proj", "itm_head"]),
    whole(
      "blip-2", edge: 224, readSecond,
      beside: [
        "qformer", "query_tokens", "language_model", "language_projection", "vision_projection",
        "text_projection", "itm_head", "word_embeddings", "position_embeddings",
      ]),
  ]

  private typealias Reader =
    @Sendable (ConfigurationObject, String) throws(Diagnostic) -> BLIP

  private static let readFirst: Reader = { (root, name) throws(Diagnostic) in
    let model = try VisionTransformer(root, name: name, patch: 16, epsilon: 1e-5, image: 384)
    return try read(root, model, mlpHidden: 3072)
  }

  private static let readSecond: Reader = { (root, name) throws(Diagnostic) in
    var model = try VisionTransformer(root, name: name, patch: 14, epsilon: 1e-6)
    model.dim = try root.integer("hidden_size") ?? 1408
    model.depth = try root.integer("num_hidden_layers") ?? 39
    model.heads = try root.integer("num_attention_heads") ?? 16
    return try read(root, model, mlpHidden: 6144)
  }

  /// An image encoder in a whole: its configuration is in `vision_config`.
  private static func whole(
    _ modelType: String, edge: Int, _ read: @escaping Reader, beside others: Set<String>
  ) -> TransformersModel {
    type(modelType, edge: edge) { (root, name) throws(Diagnostic) in
      var family = try read(root.part("vision_config"), name)
      family.surroundings = others
      return family
    }
  }

  private static func type(
    _ modelType: String, edge: Int, _ read: @escaping Reader
  ) -> TransformersModel {
    TransformersModel(
      modelType: modelType, prefix: "vision_model.",
      anchor: ["embeddings.class_embedding", "encoder.layers.0.self_attn.qkv.weight"],
      processor: "Blip",
      assumed: .init(mode: .exact, edge: edge, .bicubic, Preprocessing.clip, crop: edge),
      crop: .isScaled, read: read)
  }

  private static func read(
    _ root: ConfigurationObject, _ model: VisionTransformer, mlpHidden: Int
  ) throws(Diagnostic) -> BLIP {
    var model = model
    model.mlpHidden = try root.integer("intermediate_size") ?? mlpHidden
    model.poolNorm = true
    return BLIP(model)
  }
}

extension NameTable {
  /// transformers' names of a BLIP image encoder.
  static let transformersBLIP: NameTable = {
    var table: NameTable = [
      "cls_token": "embeddings.class_embedding",
      "pos_embed": "embeddings.position_embedding",
      "patch_embed.proj": "embeddings.patch_embedding",
      "blocks.{i}.norm1": "encoder.layers.{i}.layer_norm1",
      "blocks.{i}.attn.proj": "encoder.layers.{i}.self_attn.projection",
      "blocks.{i}.norm2": "encoder.layers.{i}.layer_norm2",
      "blocks.{i}.mlp.fc1": "encoder.layers.{i}.mlp.fc1",
      "blocks.{i}.mlp.fc2": "encoder.layers.{i}.mlp.fc2",
      "norm": "post_layernorm",
      "fc_norm": "post_layernorm",
    ]
    table = table + .parts("blocks.{i}.attn", of: "encoder.layers.{i}.self_attn.qkv")
    return table
  }()

  /// Queries, keys and values of an attention as parts of one stored layer.
  static func parts(_ attention: String, of stored: String) -> NameTable {
    var table: NameTable = [:]
    for (index, part) in ["q", "k", "v"].enumerated() {
      for leaf in ["weight", "bias"] {
        table = table.adding(
          "\(attention).\(part).\(leaf)", .part(index, of: 3, "\(stored).\(leaf)"))
      }
    }
    return table
  }
}
