import Diagnostics

/// DINOv2, with and without registers: LayerScale; the largest has a gated MLP.
///
/// `features` is the class token; before transformers' classifier, class token and mean of the
/// patches side by side.
///
/// Reference: Oquab et al. 2023, arXiv:2304.07193, and Darcet et al. 2023, arXiv:2309.16588.
struct DINOv2: TransformerFamily {
  static let title = "dinov2"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames {
    let isGated = model.feedForward == .gated
    let block: NameTable = [
      "reg_token": "embeddings.register_tokens",
      "blocks.{i}.norm1": "encoder.layer.{i}.norm1",
      "blocks.{i}.norm2": "encoder.layer.{i}.norm2",
      "blocks.{i}.ls1.gamma": "encoder.layer.{i}.layer_scale1.lambda1",
      "blocks.{i}.ls2.gamma": "encoder.layer.{i}.layer_scale2.lambda1",
      "blocks.{i}.mlp.fc1": .init("encoder.layer.{i}.mlp.\(isGated ? "weights_in" : "fc1")"),
      "blocks.{i}.mlp.fc2": .init("encoder.layer.{i}.mlp.\(isGated ? "weights_out" : "fc2")"),
    ]
    return StoredNames(transformers: (.transformersViT + block).ignoring("mask_token"))
  }

  func arithmetic(under convention: NumericsConvention) -> TransformerArithmetic {
    var arithmetic = TransformerArithmetic.vit(convention)
    if convention == .huggingFace {
      arithmetic.epsilon = 1e-6
      if model.registerTokens > 0 { arithmetic.positionResize = .bicubicAntialiased }
    }
    return arithmetic
  }

  static let modelTypes = [
    TransformersModel(
      modelType: "dinov2", prefix: "dinov2.", anchor: ViT.anchor, processor: "Bit",
      assumed: assumed,
      crop: .isImageIfPatchesFit
    ) { (root, name) throws(Diagnostic) in
      try read(root, name, "dinov2", patch: 14)
    },
    TransformersModel(
      modelType: "dinov2_with_registers", prefix: "dinov2_with_registers.", anchor: ViT.anchor,
      processor: "Bit",
      assumed: assumed, crop: .isImageIfPatchesFit
    ) { (root, name) throws(Diagnostic) in
      var family = try read(root, name, "dinov2_with_registers", patch: 16)
      family.model.registerTokens = try root.integer("num_register_tokens") ?? 4
      family.model.positionResize = .bicubicAntialiased
      return family
    },
  ]

  /// Meta's.
  private static let assumed = TransformersModel.AssumedPreprocessing(
    mode: .shortestEdge, edge: 256, .bicubic, Preprocessing.imageNet)

  private static func read(
    _ root: ConfigurationObject, _ name: String, _ modelType: String, patch: Int
  ) throws(Diagnostic) -> DINOv2 {
    var model = try VisionTransformer(root, name: name, patch: patch, epsilon: 1e-6)
    model.layerScale = true
    model.mlpHidden = try root.width("mlp_ratio", of: model.dim, default: 4)
    if try root.bool("use_swiglu_ffn") ?? false {
      model.feedForward = .gated
      model.activation = .silu
      // Dinov2SwiGLUFFN: two thirds, rounded up to a multiple of 8.
      model.mlpHidden = (Int(Double(model.mlpHidden) * 2 / 3) + 7) / 8 * 8
    }
    if let head = try TransformersHead(root, modelType) {
      model.pooling = .tokenAndAverage
      model.setHead(head)
    }
    return DINOv2(model)
  }

  static let variants = dinov2 + dinov2Registers

  /// DINOv2.
  private static let dinov2 = rows(
    [.layerScale, .imageNetMean], classes: 0,
    [
      Row("vit_small_patch14_dinov2", .small, 14, 518, 1, paper: "DINOv2-S/14"),
      Row("vit_base_patch14_dinov2", .base, 14, 518, 1, paper: "DINOv2-B/14"),
      Row("vit_large_patch14_dinov2", .large, 14, 518, 1, paper: "DINOv2-L/14"),
      Row("vit_giant_patch14_dinov2", .giantGated, 14, 518, 1, [.gated], paper: "DINOv2-g/14"),
    ])

  /// DINOv2 with registers.
  private static let dinov2Registers = rows(
    [.layerScale, .registers4, .patchPositions, .imageNetMean], classes: 0,
    [
      Row("vit_small_patch14_reg4_dinov2", .small, 14, 518, 1, paper: "DINOv2-S/14-reg"),
      Row("vit_base_patch14_reg4_dinov2", .base, 14, 518, 1, paper: "DINOv2-B/14-reg"),
      Row("vit_large_patch14_reg4_dinov2", .large, 14, 518, 1, paper: "DINOv2-L/14-reg"),
      Row(
        "vit_giant_patch14_reg4_dinov2", .giantGated, 14, 518, 1, [.gated], paper: "DINOv2-g/14-reg"
      ),
    ])
}
