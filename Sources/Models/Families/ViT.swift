import Diagnostics

/// The plain ViTs: class token, positions for all tokens, MLP of 4 D, final norm, linear head.
///
/// `features` is the class token; of I-JEPA, which has none, the mean of the tokens.
///
/// Reference: Dosovitskiy et al. 2020, arXiv:2010.11929.
struct ViT: TransformerFamily {
  static let title = "vit"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames {
    var names = StoredNames.jaxViT(model)
    // `decoder` is of the models that learn from masked images, `pooler` of the bare ones.
    names.transformers = .transformersViT.ignoring("mask_token", "decoder", "pooler")
    return names
  }

  /// What transformers' files of ViTs have, and of what is made after them.
  static let anchor: Anchor = [
    "embeddings.cls_token", "encoder.layer.0.attention.attention.query.weight",
  ]

  static let modelTypes = [
    TransformersModel(
      modelType: "vit", prefix: "vit.", anchor: anchor, processor: "ViT",
      // Google's.
      assumed: .init(mode: .exact, edge: 224, .bilinear, Preprocessing.half), crop: .isScaled
    ) { (root, name) throws(Diagnostic) in
      var model = try VisionTransformer(root, name: name, patch: 16, epsilon: 1e-12)
      model.mlpHidden = try root.integer("intermediate_size") ?? 3072
      model.pooler = try Pooler(root, width: model.dim)
      if let head = try TransformersHead(root, "vit") { model.setHead(head) }
      return ViT(model)
    },
    // Without the random masks that transformers' class draws in evaluation too.
    pretrained("vit_mae", prefix: "vit.", epsilon: 1e-12),
    pretrained("vit_msn", prefix: "vit.", epsilon: 1e-6),
    pretrained(
      "ijepa", prefix: "ijepa.", epsilon: 1e-12, hasClassToken: false,
      anchor: [
        "embeddings.position_embeddings", "encoder.layer.0.attention.attention.query.weight",
      ]),
  ]

  /// ViTs of other pretraining, which have no pooler; without a class token, features are the mean
  /// of the tokens, which is what transformers' classifier reads.
  private static func pretrained(
    _ modelType: String, prefix: String, epsilon: Double, hasClassToken: Bool = true,
    anchor: Anchor = anchor
  ) -> TransformersModel {
    TransformersModel(
      modelType: modelType, prefix: prefix, anchor: anchor, processor: "ViT",
      // Meta's.
      assumed: .init(mode: .exact, edge: 224, .bilinear, Preprocessing.imageNet), crop: .isScaled
    ) { (root, name) throws(Diagnostic) in
      var model = try VisionTransformer(root, name: name, patch: 16, epsilon: epsilon)
      model.mlpHidden = try root.integer("intermediate_size") ?? 3072
      if !hasClassToken {
        model.hasClassToken = false
        model.positionPrefix = 0
        model.pooling = .average
      }
      if let head = try TransformersHead(root, modelType) { model.setHead(head) }
      return ViT(model)
    }
  }

  static let variants = plain + plainScaled + miil

  /// Plain ViTs: class token, positions for all tokens, MLP of 4 D, final norm, linear head.
  private static let plain = rows(
    [.halfMean], classes: 1000,
    [
      Row("vit_tiny_patch16_224", .tiny, 16, 224, 0.9, paper: "ViT-Ti/16"),
      Row("vit_tiny_patch16_384", .tiny, 16, 384, 1, paper: "ViT-Ti/16-384"),
      Row("vit_small_patch32_224", .small, 32, 224, 0.9, paper: "ViT-S/32"),
      Row("vit_small_patch32_384", .small, 32, 384, 1, paper: "ViT-S/32-384"),
      Row("vit_small_patch16_224", .small, 16, 224, 0.9, paper: "ViT-S/16"),
      Row("vit_small_patch16_384", .small, 16, 384, 1, paper: "ViT-S/16-384"),
      Row(
        "vit_small_patch8_224", .small, 8, 224, 0.9, [.imageNetMean], classes: 0, paper: "ViT-S/8"),
      Row("vit_base_patch32_224", .base, 32, 224, 0.9, paper: "ViT-B/32"),
      Row("vit_base_patch32_384", .base, 32, 384, 1, paper: "ViT-B/32-384"),
      Row("vit_base_patch16_224", .base, 16, 224, 0.9, paper: "ViT-B/16"),
      Row("vit_base_patch16_384", .base, 16, 384, 1, paper: "ViT-B/16-384"),
      Row("vit_base_patch8_224", .base, 8, 224, 0.9, paper: "ViT-B/8"),
      Row("vit_large_patch32_224", .large, 32, 224, 0.9, classes: 0, paper: "ViT-L/32"),
      Row("vit_large_patch32_384", .large, 32, 384, 1, paper: "ViT-L/32-384"),
      Row("vit_large_patch16_224", .large, 16, 224, 0.9, paper: "ViT-L/16"),
      Row("vit_large_patch16_384", .large, 16, 384, 1, paper: "ViT-L/16-384"),
      Row("vit_large_patch14_224", .large, 14, 224, 0.9, paper: "ViT-L/14"),
      Row("vit_huge_patch14_224", .huge, 14, 224, 0.9, classes: 0, paper: "ViT-H/14"),
      Row("vit_giant_patch14_224", .giant, 14, 224, 0.9, paper: "ViT-g/14"),
      Row("vit_gigantic_patch14_224", .gigantic, 14, 224, 0.9, paper: "ViT-G/14"),
    ])

  /// Plain ViTs with LayerScale.
  private static let plainScaled = rows(
    [.layerScale, .halfMean], classes: 1000,
    [
      Row("vit_small_patch16_36x1_224", .small36, 16, 224, 0.9),
      Row("vit_base_patch32_plus_256", .plus, 32, 256, 0.95),
      Row("vit_base_patch16_plus_240", .plus, 16, 240, 0.95),
    ])

  /// Alibaba MIIL's ImageNet-21k-P model.
  private static let miil = rows(
    [.noQKVBias, .bilinear, .unitMean], classes: 11221,
    [
      Row("vit_base_patch16_224_miil", .base, 16, 224, 0.875)
    ])
}

extension TransformerArithmetic {
  /// What the conventions make of Google's ViTs, and of most models after them.
  static func vit(_ convention: NumericsConvention) -> TransformerArithmetic {
    switch convention {
    case .timm: .init(gelu: .gelu, epsilon: 1e-6, positionResize: .bicubicAntialiased)
    case .jax: .init(gelu: .geluTanh, epsilon: 1e-6, positionResize: .bilinearCorners)
    case .huggingFace: .init(gelu: .gelu, epsilon: 1e-12, positionResize: .bicubic)
    }
  }
}

extension StoredNames {
  /// No names but timm's and Google's.
  static func jaxViT(_ model: VisionTransformer) -> StoredNames {
    StoredNames(
      jax: .jaxViT(heads: model.heads, blocks: model.depth) + .jaxPooling(heads: model.heads))
  }
}

extension NameTable {
  /// transformers' names of a ViT.
  static let transformersViT: NameTable = [
    "cls_token": "embeddings.cls_token",
    "pos_embed": "embeddings.position_embeddings",
    "patch_embed.proj": "embeddings.patch_embeddings.projection",
    "blocks.{i}.norm1": "encoder.layer.{i}.layernorm_before",
    "blocks.{i}.attn.q": "encoder.layer.{i}.attention.attention.query",
    "blocks.{i}.attn.k": "encoder.layer.{i}.attention.attention.key",
    "blocks.{i}.attn.v": "encoder.layer.{i}.attention.attention.value",
    "blocks.{i}.attn.proj": "encoder.layer.{i}.attention.output.dense",
    "blocks.{i}.norm2": "encoder.layer.{i}.layernorm_after",
    "blocks.{i}.mlp.fc1": "encoder.layer.{i}.intermediate.dense",
    "blocks.{i}.mlp.fc2": "encoder.layer.{i}.output.dense",
    "norm": "layernorm",
    "pooler": "pooler.dense",
    "head": Row("classifier", isOutside: true),
  ]

  /// Names of Google's JAX code; `{attention}`, `{norm2}`, `{mlp}` and `{positions}` differ by a
  /// file's age.
  static func jaxViT(heads: Int, blocks: Int) -> NameTable {
    var table: NameTable = [
      "cls_token": "cls",
      "pos_embed": Row("{positions}", .positions),
      "patch_embed.proj": Row("embedding", .convolution),
      "blocks.{i}.norm1": Row("Transformer/encoderblock_{i}/LayerNorm_0", .norm),
      "blocks.{i}.attn.q": Row(
        "Transformer/encoderblock_{i}/{attention}/query", .toHeads(heads)),
      "blocks.{i}.attn.k": Row("Transformer/encoderblock_{i}/{attention}/key", .toHeads(heads)),
      "blocks.{i}.attn.v": Row(
        "Transformer/encoderblock_{i}/{attention}/value", .toHeads(heads)),
      "blocks.{i}.attn.proj": Row(
        "Transformer/encoderblock_{i}/{attention}/out", .fromHeads(heads)),
      "blocks.{i}.norm2": Row("Transformer/encoderblock_{i}/{norm2}", .norm),
      "blocks.{i}.mlp.fc1": Row("Transformer/encoderblock_{i}/{mlp}/Dense_0", .dense),
      "blocks.{i}.mlp.fc2": Row("Transformer/encoderblock_{i}/{mlp}/Dense_1", .dense),
      "norm": Row("Transformer/encoder_norm", .norm),
      "pre_logits": Row("pre_logits", .dense),
      "head": Row("head", .dense),
    ]
    table.blocks = blocks
    return table
  }

  /// The same for pooling by attention.
  static func jaxPooling(heads: Int) -> NameTable {
    let module = JAXNaming.attentionPooling
    let attention = "\(module)/MultiHeadDotProductAttention_0"
    return [
      "attn_pool.latent": Row("\(module)/probe"),
      "attn_pool.q": Row("\(attention)/query", .toHeads(heads)),
      "attn_pool.k": Row("\(attention)/key", .toHeads(heads)),
      "attn_pool.v": Row("\(attention)/value", .toHeads(heads)),
      "attn_pool.proj": Row("\(attention)/out", .fromHeads(heads)),
      "attn_pool.norm": Row("\(module)/LayerNorm_0", .norm),
      "attn_pool.mlp.fc1": Row("\(module)/MlpBlock_0/Dense_0", .dense),
      "attn_pool.mlp.fc2": Row("\(module)/MlpBlock_0/Dense_1", .dense),
    ]
  }
}
