import Diagnostics

/// DINOv3, and LingBot-Vision, which has its form: positions turn queries and keys of the patches,
/// no table is added; registers, LayerScale, epsilon 1e-5; larger ones have a gated MLP.
///
/// `features` is what the library of the folder or name gives: transformers' `pooler_output` is the
/// class token, timm's DINOv3 models give the mean of the patches, its LingBot models the class
/// token; `--numerics` chooses.
///
/// Angles are computed from periods in full precision, as both libraries do; Meta's own files have
/// periods rounded to bf16.
///
/// Reference: Siméoni et al. 2025, arXiv:2508.10104.
struct DINOv3: TransformerFamily {
  static let title = "dinov3"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { StoredNames(transformers: .transformersDINOv3) }

  /// Of the numbers nothing, but what is made of the tokens.
  mutating func follow(_ convention: NumericsConvention) {
    guard convention != numerics else { return }
    numerics = convention
    guard model.classes == 0 else { return }
    model.pooling = convention == .timm ? .average : .token
  }

  /// Files under another library's names have the biases that they have.
  mutating func adapt(to stored: inout StoredModel) throws(Diagnostic) {
    try adaptTransformer(to: &stored)
    guard stored.isForeign else { return }
    func has(_ part: String) -> Bool {
      let bias = TensorSpecification(name: "blocks.0.attn.\(part).bias", shape: [model.dim])
      return stored.place(bias, storedNames).map {
        stored.checkpoint.type(of: $0.name) != nil
      } ?? false
    }
    let kinds: [(String, AttentionBiases)] = [("q", .query), ("k", .key), ("v", .value)]
    let biases = AttentionBiases(kinds.filter { has($0.0) }.map(\.1))
    model.qkvBias = !biases.isEmpty
    model.attentionBiases = biases
  }

  // MARK: - transformers

  static let modelTypes = [
    TransformersModel(
      modelType: "dinov3_vit", prefix: "",
      anchor: ["embeddings.cls_token", "embeddings.patch_embeddings.weight"],
      processor: "DINOv3ViT",
      assumed: .init(mode: .exact, edge: 224, .bilinear, Preprocessing.imageNet), crop: .isScaled,
      read: read)
  ]

  private static func read(
    _ root: ConfigurationObject, _ name: String
  ) throws(Diagnostic) -> any Family {
    var model = try VisionTransformer(root, name: name, patch: 16, epsilon: 1e-5)
    // The defaults of the class are those of the smallest model.
    model.dim = try root.integer("hidden_size") ?? 384
    model.heads = try root.integer("num_attention_heads") ?? 6
    model.mlpHidden = try root.integer("intermediate_size") ?? 1536
    model.registerTokens = try root.integer("num_register_tokens") ?? 0
    model.rotary = RotaryPositions(base: try root.double("rope_theta") ?? 100)
    model.hasPositionTable = false
    model.positionPrefix = 0
    model.layerScale = true
    model.timmClass = .eva
    model.projections = .biasesApart
    var biases: AttentionBiases = []
    if try root.bool("query_bias") ?? true { biases.insert(.query) }
    if try root.bool("key_bias") ?? false { biases.insert(.key) }
    if try root.bool("value_bias") ?? true { biases.insert(.value) }
    model.attentionBiases = biases
    model.hasProjectionBias = try root.bool("proj_bias") ?? true
    model.hasMLPBias = try root.bool("mlp_bias") ?? true
    if try root.bool("use_gated_mlp") ?? false {
      guard model.activation == .silu else {
        throw Diagnostic(
          "'hidden_act' is '\(model.activation.rawValue)', but a gated MLP is read with 'silu'",
          at: .file(root.path))
      }
      model.feedForward = .gatedApart
    }
    return DINOv3(model)
  }

  // MARK: - timm

  static let variants = plain + biased + lingbot

  private static let side = 256

  /// Without biases of queries and values.
  private static let plain = table(
    [
      Row("vit_small_patch16_dinov3", .small, 16, side, 1, [.noQKVBias], paper: "DINOv3-S/16"),
      Row(
        "vit_small_plus_patch16_dinov3", .small, 16, side, 1, [.noQKVBias, .gated],
        paper: "DINOv3-S+/16"),
      Row("vit_base_patch16_dinov3", .base, 16, side, 1, [.noQKVBias], paper: "DINOv3-B/16"),
      Row("vit_large_patch16_dinov3", .large, 16, side, 1, [.noQKVBias], paper: "DINOv3-L/16"),
      Row(
        "vit_huge_plus_patch16_dinov3", .huge20Heads, 16, side, 1, [.noQKVBias, .gated],
        paper: "DINOv3-H+/16"),
      Row(
        "vit_7b_patch16_dinov3", .sevenBillion, 16, side, 1, [.noQKVBias, .gated],
        paper: "DINOv3-7B/16"),
    ])

  /// The same with them; the smallest is EUPE's.
  private static let biased = table(
    [
      Row("vit_tiny_patch16_dinov3_qkvb", .tiny, 16, side, 1),
      Row("vit_small_patch16_dinov3_qkvb", .small, 16, side, 1),
      Row("vit_small_plus_patch16_dinov3_qkvb", .small, 16, side, 1, [.gated]),
      Row("vit_base_patch16_dinov3_qkvb", .base, 16, side, 1),
      Row("vit_large_patch16_dinov3_qkvb", .large, 16, side, 1),
      Row("vit_huge_plus_patch16_dinov3_qkvb", .huge20Heads, 16, side, 1, [.gated]),
    ])

  /// LingBot-Vision.
  private static let lingbot = table(
    [
      Row("vit_small_patch16_lingbot", .small, 16, 512, 1, lingbotTraits, paper: "LingBot-S/16"),
      Row("vit_base_patch16_lingbot", .base, 16, 512, 1, lingbotTraits, paper: "LingBot-B/16"),
      Row("vit_large_patch16_lingbot", .large, 16, 512, 1, lingbotTraits, paper: "LingBot-L/16"),
      Row(
        "vit_giant_patch16_lingbot", .giantGated, 16, 512, 1,
        lingbotTraits.union([.noQKVBias, .gated]), paper: "LingBot-g/16"),
    ], pooling: .token)

  private static let lingbotTraits: TransformerTraits = [.squash, .bilinear]

  private static func table(
    _ rows: [TransformerRow], pooling: TokenPooling = .average
  ) -> [Variant] {
    rows.map { row in
      var model = row.model(
        [.layerScale, .registers4, .patchPositions, .imageNetMean], classes: 0)
      model.layerNormEpsilon = 1e-5
      model.pooling = pooling
      model.rotary = RotaryPositions(base: 100)
      model.hasPositionTable = false
      model.timmClass = .eva
      model.projections = .biasesApart
      model.lastNorms.pooled = false
      model.attentionBiases = [.query, .value]
      if row.traits.contains(.gated) {
        model.feedForward = .gatedApart
        model.mlpAlignment = row.size.dim == TransformerSize.sevenBillion.dim ? 64 : 8
      }
      return Variant(DINOv3(model), paperName: row.paper)
    }
  }
}

extension NameTable {
  /// transformers' names of DINOv3; a gated MLP's first layers are apart, the gate first.
  static let transformersDINOv3: NameTable =
    ([
      "cls_token": "embeddings.cls_token",
      "reg_token": "embeddings.register_tokens",
      "patch_embed.proj": "embeddings.patch_embeddings",
      "blocks.{i}.norm1": "layer.{i}.norm1",
      "blocks.{i}.attn.q": "layer.{i}.attention.q_proj",
      "blocks.{i}.attn.k": "layer.{i}.attention.k_proj",
      "blocks.{i}.attn.v": "layer.{i}.attention.v_proj",
      "blocks.{i}.attn.proj": "layer.{i}.attention.o_proj",
      "blocks.{i}.gamma_1": "layer.{i}.layer_scale1.lambda1",
      "blocks.{i}.norm2": "layer.{i}.norm2",
      "blocks.{i}.mlp.fc1": "layer.{i}.mlp.up_proj",
      "blocks.{i}.mlp.fc1_g": "layer.{i}.mlp.gate_proj",
      "blocks.{i}.mlp.fc1_x": "layer.{i}.mlp.up_proj",
      "blocks.{i}.mlp.fc2": "layer.{i}.mlp.down_proj",
      "blocks.{i}.gamma_2": "layer.{i}.layer_scale2.lambda1",
      "norm": "norm",
    ] as NameTable).spelled("layer.{i}.", also: "model.layer.{i}.").ignoring("mask_token")
}
