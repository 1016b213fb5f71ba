import Diagnostics

/// DeiT, with and without distillation token.
///
/// `features` is the class token; of a distilled model, the mean of class token and distillation
/// token, each of which has a head.
///
/// Reference: Touvron et al. 2020, arXiv:2012.12877.
struct DeiT: TransformerFamily {
  static let title = "deit"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames {
    let isDistilled = model.pooling == .distilled
    let tokens: NameTable = [
      "dist_token": "embeddings.distillation_token",
      "head": .init(isDistilled ? "cls_classifier" : "classifier", isOutside: true),
      "head_dist": .init("distillation_classifier", isOutside: true),
    ]
    return StoredNames(
      transformers: (.transformersViT + tokens).ignoring("mask_token", "decoder", "pooler"),
      jax: .jaxViT(heads: model.heads, blocks: model.depth))
  }

  static let modelTypes = [
    TransformersModel(
      modelType: "deit", prefix: "deit.", anchor: ViT.anchor, processor: "DeiT",
      // Meta's.
      assumed: .init(mode: .shortestEdge, edge: 256, .bicubic, Preprocessing.imageNet),
      crop: .isScaled
    ) { (root, name) throws(Diagnostic) in
      var model = try VisionTransformer(root, name: name, patch: 16, epsilon: 1e-12)
      model.mlpHidden = try root.integer("intermediate_size") ?? 3072
      model.pooler = try Pooler(root, width: model.dim)
      model.hasDistillationToken = true
      model.positionPrefix = 2
      if let head = try TransformersHead(root, "deit", teacher: true) {
        if head.hasTeacher { model.pooling = .distilled }
        model.setHead(head)
      }
      return DeiT(model)
    }
  ]

  static let variants = deit + deitDistilled

  /// DeiT.
  private static let deit = rows(
    [.imageNetMean], classes: 1000,
    [
      Row("deit_tiny_patch16_224", .tiny, 16, 224, 0.9, paper: "DeiT-Ti/16"),
      Row("deit_small_patch16_224", .small, 16, 224, 0.9, paper: "DeiT-S/16"),
      Row("deit_base_patch16_224", .base, 16, 224, 0.9, paper: "DeiT-B/16"),
      Row("deit_base_patch16_384", .base, 16, 384, 1, paper: "DeiT-B/16-384"),
    ])

  /// DeiT with distillation token and two heads.
  private static let deitDistilled = rows(
    [.distilled, .imageNetMean], classes: 1000,
    [
      Row("deit_tiny_distilled_patch16_224", .tiny, 16, 224, 0.9, paper: "DeiT-Ti/16-distilled"),
      Row("deit_small_distilled_patch16_224", .small, 16, 224, 0.9, paper: "DeiT-S/16-distilled"),
      Row("deit_base_distilled_patch16_224", .base, 16, 224, 0.9, paper: "DeiT-B/16-distilled"),
      Row("deit_base_distilled_patch16_384", .base, 16, 384, 1, paper: "DeiT-B/16-distilled-384"),
    ])
}
