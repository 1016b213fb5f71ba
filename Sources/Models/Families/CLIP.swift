/// CLIP's image encoders: a norm before the first block, patches without bias, epsilon 1e-5.
///
/// The head is the projection; `features` is the normalized class token, before it.
///
/// Reference: Radford et al. 2021, arXiv:2103.00020.
struct CLIP: TransformerFamily {
  static let title = "clip"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames { .none }

  func arithmetic(under convention: NumericsConvention) -> TransformerArithmetic {
    .vit(convention)
  }

  static let modelTypes: [TransformersModel] = []

  static let variants = clip + clipQuick

  /// CLIP encoders, projection as head.
  private static let clip = rows(
    [.clip, .clipMean], classes: 1000,
    [
      Row("vit_xsmall_patch16_clip_224", .xsmall, 16, 224, 0.9, classes: 512),
      Row("vit_medium_patch32_clip_224", .medium, 32, 224, 0.9, classes: 512, paper: "CLIP-M/32"),
      Row("vit_medium_patch16_clip_224", .medium, 16, 224, 0.9, classes: 512, paper: "CLIP-M/16"),
      Row("vit_betwixt_patch32_clip_224", .betwixt, 32, 224, 0.9, classes: 512),
      Row("vit_base_patch32_clip_224", .base, 32, 224, 0.9, paper: "CLIP-B/32"),
      Row("vit_base_patch32_clip_256", .base, 32, 256, 1, classes: 512, paper: "CLIP-B/32-256"),
      Row("vit_base_patch32_clip_384", .base, 32, 384, 1, paper: "CLIP-B/32-384"),
      Row("vit_base_patch32_clip_448", .base, 32, 448, 1, paper: "CLIP-B/32-448"),
      Row("vit_base_patch16_clip_224", .base, 16, 224, 0.95, paper: "CLIP-B/16"),
      Row("vit_base_patch16_clip_384", .base, 16, 384, 1, [.squash], paper: "CLIP-B/16-384"),
      Row("vit_base_patch16_plus_clip_240", .plus, 16, 240, 1, classes: 640),
      Row("vit_large_patch14_clip_224", .large, 14, 224, 1, [.halfMean], paper: "CLIP-L/14"),
      Row(
        "vit_large_patch14_clip_336", .large, 14, 336, 1, [.squash, .halfMean],
        paper: "CLIP-L/14-336"),
      Row("vit_huge_patch14_clip_224", .huge, 14, 224, 1, paper: "CLIP-H/14"),
      Row("vit_huge_patch14_clip_336", .huge, 14, 336, 1, [.squash], paper: "CLIP-H/14-336"),
      Row("vit_huge_patch14_clip_378", .huge, 14, 378, 1, classes: 1024, paper: "CLIP-H/14-378"),
      Row("vit_giant_patch14_clip_224", .giant, 14, 224, 1, classes: 1024, paper: "CLIP-g/14"),
      Row(
        "vit_gigantic_patch14_clip_224", .gigantic, 14, 224, 1, classes: 1280, paper: "CLIP-G/14"),
      Row(
        "vit_gigantic_patch14_clip_378", .gigantic, 14, 378, 1, [.squash], classes: 1280,
        paper: "CLIP-G/14-378"),
    ])

  /// CLIP encoders with the quick GELU, as OpenAI trained them.
  private static let clipQuick = rows(
    [.clip, .quickGELU, .clipMean], classes: 1000,
    [
      Row("vit_base_patch32_clip_quickgelu_224", .base, 32, 224, 0.9, classes: 512),
      Row("vit_base_patch16_clip_quickgelu_224", .base, 16, 224, 1, classes: 512),
      Row("vit_large_patch14_clip_quickgelu_224", .large, 14, 224, 1, classes: 768),
      Row("vit_large_patch14_clip_quickgelu_336", .large, 14, 336, 1, classes: 768),
      Row("vit_huge_patch14_clip_quickgelu_224", .huge, 14, 224, 1, classes: 1024),
      Row("vit_huge_patch14_clip_quickgelu_378", .huge, 14, 378, 1, classes: 1024),
      Row("vit_gigantic_patch14_clip_quickgelu_224", .gigantic, 14, 224, 1, classes: 1280),
    ])
}
