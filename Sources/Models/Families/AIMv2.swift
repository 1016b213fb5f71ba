import Diagnostics

/// AIMv2: RMS norms, one after the patches, no biases, gated MLPs, no class token.
///
/// Of a folder of transformers `features` is what its head makes of the tokens by a learned query,
/// which is `pooler_output`; of a whole model with a text encoder the projection of that. Under
/// timm's names, and without such a head, it is the mean of the normalized tokens. Positions are a
/// table or, in models for any size (`is_native`), sines and cosines.
///
/// Reference: Fini et al. 2024, arXiv:2411.14402.
struct AIMv2: TransformerFamily {
  static let title = "aimv2"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames {
    var names = StoredNames(transformers: .transformersAIMv2)
    if model.pooling != .attention { names.transformers?.unread.insert("head") }
    return names
  }

  /// The conventions disagree on nothing: transformers has no way to resize a table.
  func arithmetic(under convention: NumericsConvention) -> TransformerArithmetic {
    TransformerArithmetic(
      gelu: model.activation, epsilon: model.layerNormEpsilon,
      positionResize: .bicubicAntialiased)
  }

  // MARK: - transformers

  static let modelTypes = [
    type("aimv2") { (root, name) throws(Diagnostic) in
      var family = try read(root.part("vision_config"), name)
      family.model.projection = try root.integer("projection_dim") ?? 512
      guard family.model.pooling == .attention else {
        throw Diagnostic(
          "'vision_config.use_head' is false, but the projection reads what the head makes",
          at: .file(root.path))
      }
      return family
    },
    type("aimv2_vision_model") { (root, name) throws(Diagnostic) in try read(root, name) },
  ]

  private static func type(
    _ modelType: String,
    read: @escaping @Sendable (ConfigurationObject, String) throws(Diagnostic) -> any Family
  ) -> TransformersModel {
    TransformersModel(
      modelType: modelType, prefix: "vision_model.",
      anchor: ["embeddings.patch_embed.weight", "encoder.layers.0.ffn.gate_proj.weight"],
      processor: "CLIP",
      assumed: .init(mode: .shortestEdge, edge: 224, .bicubic, Preprocessing.clip),
      crop: .isScaled, read: read)
  }

  private static func read(
    _ vision: ConfigurationObject, _ name: String
  ) throws(Diagnostic) -> AIMv2 {
    var model = try VisionTransformer(
      vision, name: name, patch: 14, epsilon: 1e-5, activation: "silu")
    guard model.activation == .silu else {
      throw Diagnostic(
        "'\(vision.prefix)hidden_act' is '\(model.activation.rawValue)', but a gated MLP is read "
          + "with 'silu'", at: .file(vision.path))
    }
    // The defaults of the class are those of the large model.
    model.dim = try vision.integer("hidden_size") ?? 1024
    model.depth = try vision.integer("num_hidden_layers") ?? 24
    model.heads = try vision.integer("num_attention_heads") ?? 8
    model.mlpHidden = try vision.integer("intermediate_size") ?? 2816
    model.layerNormEpsilon = try vision.double("rms_norm_eps") ?? 1e-5
    model.qkvBias = try vision.bool("qkv_bias") ?? false
    model.hasProjectionBias = model.qkvBias
    model.hasMLPBias = try vision.bool("mlp_bias") ?? false
    model.hasWavePositions = try vision.bool("is_native") ?? false
    model.hasPositionTable = !model.hasWavePositions
    model.pooling = try vision.bool("use_head") ?? true ? .attention : .average
    model.poolProjectsQuery = false
    setForm(&model)
    return AIMv2(model)
  }

  // MARK: - timm

  static let variants = [224, 336, 448].flatMap { side in
    [
      variant(Row("aimv2_large_patch14_\(side)", .aimLarge, 14, side, 1), 2.75),
      variant(Row("aimv2_huge_patch14_\(side)", .aimHuge, 14, side, 1), 2.6667),
      variant(Row("aimv2_1b_patch14_\(side)", .aimOneBillion, 14, side, 1), 2.75),
      variant(Row("aimv2_3b_patch14_\(side)", .aimThreeBillion, 14, side, 1), 2.6667),
    ]
  }

  private static func variant(_ row: Row, _ mlpRatio: Double) -> Variant {
    var model = row.model([.pooled, .noQKVBias, .clipMean], classes: 0)
    model.layerNormEpsilon = 1e-5
    model.mlpRatio = mlpRatio
    model.hasProjectionBias = false
    model.hasMLPBias = false
    setForm(&model)
    return Variant(AIMv2(model), paperName: row.paper)
  }

  /// What all have, in either library.
  private static func setForm(_ model: inout VisionTransformer) {
    model.normKind = .rootMeanSquare
    model.patchNorm = true
    model.feedForward = .gatedApart
    model.activation = .silu
    model.hasClassToken = false
    model.positionPrefix = 0
    model.positionResize = .bicubicAntialiased
  }
}

extension NameTable {
  /// transformers' names of an AIMv2 image encoder.
  static let transformersAIMv2: NameTable = {
    var table: NameTable = [
      "pos_embed": "embeddings.position_embedding.weight",
      "patch_embed.proj": "embeddings.patch_embed",
      "patch_embed.norm": "embeddings.rms_norm",
      "blocks.{i}.norm1": "encoder.layers.{i}.rms_norm1",
      "blocks.{i}.attn.q": "encoder.layers.{i}.attention.q_proj",
      "blocks.{i}.attn.k": "encoder.layers.{i}.attention.k_proj",
      "blocks.{i}.attn.v": "encoder.layers.{i}.attention.v_proj",
      "blocks.{i}.attn.proj": "encoder.layers.{i}.attention.out_proj",
      "blocks.{i}.norm2": "encoder.layers.{i}.rms_norm2",
      "blocks.{i}.mlp.fc1_g": "encoder.layers.{i}.ffn.gate_proj",
      "blocks.{i}.mlp.fc1_x": "encoder.layers.{i}.ffn.up_proj",
      "blocks.{i}.mlp.fc2": "encoder.layers.{i}.ffn.down_proj",
      "norm": "rms_norm",
      "attn_pool.latent": "head.cls_token",
      "attn_pool.k": "head.k_proj",
      "attn_pool.v": "head.v_proj",
      "attn_pool.proj": "head.output_proj",
      "proj": Row("visual_projection", isBeside: true),
    ]
    table.unread = ["text_model", "text_projection", "logit_scale", "visual_projection"]
    return table
  }()
}
