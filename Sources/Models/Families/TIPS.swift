import Diagnostics

/// The image encoders of TIPS v2: LayerScale, and a register token that is a second class token.
///
/// `features` is the class token. timm has positions for the patches alone, transformers one for
/// the class token too.
///
/// Reference: Maninis et al. 2024, arXiv:2410.16512.
struct TIPS: TransformerFamily {
  static let title = "tips"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames {
    StoredNames(transformers: .transformersTIPS(isGated: model.feedForward == .gated))
  }

  func arithmetic(under convention: NumericsConvention) -> TransformerArithmetic {
    var arithmetic = TransformerArithmetic.vit(convention)
    if convention == .huggingFace {
      arithmetic.epsilon = 1e-6
      arithmetic.positionResize = .bilinearAntialiased
    }
    return arithmetic
  }

  static let modelTypes = [
    TransformersModel(
      modelType: "tipsv2_vision_model", prefix: "",
      anchor: ["register_tokens", "cls_token", "blocks.0.attn.qkv.weight"],
      processor: "Tipsv2",
      assumed: .init(mode: .exact, edge: 448, .bilinear, Preprocessing.unit, crop: 448),
      crop: .isScaled
    ) { (root, name) throws(Diagnostic) in
      var model = try VisionTransformer(root, name: name, patch: 14, epsilon: 1e-6, image: 448)
      model.mlpHidden = try root.width("mlp_ratio", of: model.dim, default: 4)
      model.registerTokens = try root.integer("num_register_tokens") ?? 1
      model.layerScale = true
      model.positionResize = .bilinearAntialiased
      if try root.bool("use_swiglu_ffn") ?? false {
        model.feedForward = .gated
        model.activation = .silu
        // Tipsv2VisionSwiGLUFFN: two thirds, rounded up to a multiple of 8.
        model.mlpHidden = (Int(Double(model.mlpHidden) * 2 / 3) + 7) / 8 * 8
      }
      return TIPS(model)
    }
  ]

  static let variants = rows(
    [.layerScale, .registers1, .patchPositions, .unitMean], classes: 0,
    [
      Row("vit_base_patch14_reg1_tipsv2", .base, 14, 448, 1),
      Row("vit_large_patch14_reg1_tipsv2", .large, 14, 448, 1),
      Row("vit_so400m_patch14_reg1_tipsv2", .so400m, 14, 448, 1),
      Row("vit_giant_patch14_reg1_tipsv2", .giantGated, 14, 448, 1, [.gated]),
    ])
}

extension NameTable {
  /// What transformers writes of a TIPS v2 image encoder: the names of its authors.
  static func transformersTIPS(isGated: Bool) -> NameTable {
    let table: NameTable = [
      "cls_token": "cls_token",
      "reg_token": "register_tokens",
      "pos_embed": "pos_embed",
      "patch_embed.proj": "patch_embed.proj",
      "blocks.{i}.norm1": "blocks.{i}.norm1",
      "blocks.{i}.attn.proj": "blocks.{i}.attn.proj",
      "blocks.{i}.ls1.gamma": "blocks.{i}.ls1.gamma",
      "blocks.{i}.norm2": "blocks.{i}.norm2",
      "blocks.{i}.mlp.fc1": .init("blocks.{i}.mlp.\(isGated ? "w12" : "c_fc")"),
      "blocks.{i}.mlp.fc2": .init("blocks.{i}.mlp.\(isGated ? "w3" : "c_proj")"),
      "blocks.{i}.ls2.gamma": "blocks.{i}.ls2.gamma",
      "norm": "norm",
    ]
    return table.ignoring("mask_token") + .parts("blocks.{i}.attn", of: "blocks.{i}.attn.qkv")
  }
}
