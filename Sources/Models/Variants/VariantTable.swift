/// Every variant without convolutions, a line each: name, size, patch, image, crop fraction, what
/// it adds to its family.
///
/// Source: timm 1.0.31's entry points and their default configurations; a test compares parameter
/// counts, multiply-adds and preprocessing with what timm says (Tests/Goldens).
enum VariantTable {
  /// The dimensions of a trunk.
  struct Size {
    var dim, depth, heads, mlpHidden: Int

    init(_ dim: Int, _ depth: Int, _ heads: Int, _ mlpHidden: Int) {
      (self.dim, self.depth, self.heads, self.mlpHidden) = (dim, depth, heads, mlpHidden)
    }

    static let test = Size(64, 6, 2, 192)
    static let test8 = Size(64, 8, 2, 192)
    static let tiny = Size(192, 12, 3, 768)
    static let xsmall = Size(256, 10, 4, 1024)
    static let wee = Size(256, 14, 4, 1280)
    static let little = Size(320, 14, 5, 1792)
    static let small = Size(384, 12, 6, 1536)
    static let small36 = Size(384, 36, 6, 1536)
    static let medium = Size(512, 12, 8, 2048)
    static let mediumDeep = Size(512, 20, 8, 2048)
    static let betwixt = Size(640, 12, 10, 2560)
    static let base = Size(768, 12, 12, 3072)
    static let base16Heads = Size(768, 12, 16, 3072)
    static let so150m2 = Size(832, 21, 13, 2176)
    static let plus = Size(896, 12, 14, 3584)
    static let so150m = Size(896, 18, 14, 2304)
    static let large = Size(1024, 24, 16, 4096)
    static let so400m = Size(1152, 27, 16, 4304)
    static let huge = Size(1280, 32, 16, 5120)
    static let giant = Size(1408, 40, 16, 6144)
    static let giantOptimal = Size(1536, 40, 16, 6144)
    static let giantGated = Size(1536, 40, 24, 4096)
    static let gigantic = Size(1664, 48, 16, 8192)
  }

  /// A variant, before its family's traits are added.
  struct Row {
    var name: String
    var size: Size
    var patch, image: Int
    var cropFraction: Double
    var traits: Traits
    var classes: Int?
    var paper: String?

    init(
      _ name: String, _ size: Size, _ patch: Int, _ image: Int, _ cropFraction: Double,
      _ traits: Traits = [], classes: Int? = nil, paper: String? = nil
    ) {
      self.name = name
      self.size = size
      self.patch = patch
      self.image = image
      self.cropFraction = cropFraction
      self.traits = traits
      self.classes = classes
      self.paper = paper
    }
  }

  private static func family(
    _ name: String, _ traits: Traits, classes: Int, _ rows: [Row]
  ) -> [Variant] {
    rows.map { $0.variant(family: name, traits: traits, classes: classes) }
  }

  /// Plain ViTs: class token, positions for all tokens, MLP of 4 D, final norm, linear head.
  private static let plain = family(
    "vit", [.halfMean], classes: 1000,
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
  private static let plainScaled = family(
    "vit", [.layerScale, .halfMean], classes: 1000,
    [
      Row("vit_small_patch16_36x1_224", .small36, 16, 224, 0.9),
      Row("vit_base_patch32_plus_256", .plus, 32, 256, 0.95),
      Row("vit_base_patch16_plus_240", .plus, 16, 240, 0.95),
    ])

  /// Alibaba MIIL's ImageNet-21k-P model.
  private static let miil = family(
    "vit", [.noQKVBias, .bilinear, .unitMean], classes: 11221,
    [
      Row("vit_base_patch16_224_miil", .base, 16, 224, 0.875)
    ])

  /// No class token; the mean of the normalized tokens.
  private static let averaged = family(
    "gap", [.pooled, .halfMean], classes: 1000,
    [
      Row(
        "vit_medium_patch16_gap_240", .medium, 16, 240, 0.95, [.noQKVBias, .layerScale],
        classes: 11821),
      Row("vit_medium_patch16_gap_256", .medium, 16, 256, 0.95, [.noQKVBias, .layerScale]),
      Row(
        "vit_medium_patch16_gap_384", .medium, 16, 384, 0.95, [.noQKVBias, .layerScale, .squash]),
      Row("vit_betwixt_patch16_gap_256", .betwixt, 16, 256, 0.95, [.noQKVBias, .layerScale]),
      Row("vit_base_patch16_gap_224", .base16Heads, 16, 224, 0.9),
      Row(
        "vit_huge_patch16_gap_448", .huge, 16, 448, 1, [.imageNetMean], classes: 0,
        paper: "ViT-H/16-gap-448"),
      Row(
        "vit_huge_patch14_gap_224", .huge, 14, 224, 0.9, [.imageNetMean], classes: 0,
        paper: "ViT-H/14-gap"),
      Row(
        "vit_giant_patch16_gap_224", .giant, 16, 224, 0.9, [.imageNetMean], classes: 0,
        paper: "ViT-g/16-gap"),
    ])

  /// Register tokens without positions; the mean of the patches, then a norm.
  private static let registerAveraged = family(
    "reg_gap", [.pooled, .poolNorm, .patchPositions, .halfMean], classes: 1000,
    [
      Row("vit_wee_patch16_reg1_gap_256", .wee, 16, 256, 0.95, [.layerScale, .registers1]),
      Row("vit_little_patch16_reg1_gap_256", .little, 16, 256, 0.95, [.layerScale, .registers1]),
      Row("vit_little_patch16_reg4_gap_256", .little, 16, 256, 0.95, [.layerScale, .registers4]),
      Row("vit_medium_patch16_reg1_gap_256", .medium, 16, 256, 0.95, [.layerScale, .registers1]),
      Row("vit_medium_patch16_reg4_gap_256", .medium, 16, 256, 0.95, [.layerScale, .registers4]),
      Row(
        "vit_mediumd_patch16_reg4_gap_256", .mediumDeep, 16, 256, 0.95, [.layerScale, .registers4]),
      Row("vit_mediumd_patch16_reg4_gap_384", .mediumDeep, 16, 384, 1, [.layerScale, .registers4]),
      Row("vit_betwixt_patch16_reg1_gap_256", .betwixt, 16, 256, 0.95, [.layerScale, .registers1]),
      Row("vit_betwixt_patch16_reg4_gap_256", .betwixt, 16, 256, 0.95, [.layerScale, .registers4]),
      Row("vit_betwixt_patch16_reg4_gap_384", .betwixt, 16, 384, 1, [.layerScale, .registers4]),
      Row("vit_base_patch16_reg4_gap_256", .base, 16, 256, 0.9, [.registers4]),
    ])

  /// Shape-optimized, 150 M, second edition.
  private static let so150m2 = family(
    "reg_gap", [.pooled, .poolNorm, .noQKVBias, .layerScale, .registers1, .halfMean], classes: 1000,
    [
      Row("vit_so150m2_patch16_reg1_gap_256", .so150m2, 16, 256, 1),
      Row("vit_so150m2_patch16_reg1_gap_384", .so150m2, 16, 384, 1),
      Row("vit_so150m2_patch16_reg1_gap_448", .so150m2, 16, 448, 1, [.squash]),
    ])

  /// Shape-optimized, 150 M: registers with positions, final norm, then the mean.
  private static let so150m = family(
    "reg_gap", [.pooled, .registers4, .halfMean], classes: 1000,
    [
      Row("vit_so150m_patch16_reg4_gap_256", .so150m, 16, 256, 0.95),
      Row("vit_so150m_patch16_reg4_gap_384", .so150m, 16, 384, 1),
    ])

  /// SigLIP towers, average-pooled, as timm computes them with the erf GELU.
  private static let siglip = family(
    "siglip_gap", [.pooled, .halfMean], classes: 0,
    [
      Row("vit_base_patch16_siglip_gap_224", .base, 16, 224, 0.9, paper: "SigLIP-B/16-gap-224"),
      Row("vit_base_patch16_siglip_gap_256", .base, 16, 256, 0.9, paper: "SigLIP-B/16-gap-256"),
      Row("vit_base_patch16_siglip_gap_384", .base, 16, 384, 0.9, paper: "SigLIP-B/16-gap-384"),
      Row("vit_base_patch16_siglip_gap_512", .base, 16, 512, 0.9, paper: "SigLIP-B/16-gap-512"),
      Row("vit_large_patch16_siglip_gap_256", .large, 16, 256, 0.9, paper: "SigLIP-L/16-gap-256"),
      Row("vit_large_patch16_siglip_gap_384", .large, 16, 384, 0.9, paper: "SigLIP-L/16-gap-384"),
      Row("vit_so400m_patch14_siglip_gap_224", .so400m, 14, 224, 0.9),
      Row("vit_so400m_patch14_siglip_gap_378", .so400m, 14, 378, 0.9),
      Row("vit_so400m_patch14_siglip_gap_384", .so400m, 14, 384, 1),
      Row("vit_so400m_patch14_siglip_gap_448", .so400m, 14, 448, 1),
      Row("vit_so400m_patch14_siglip_gap_896", .so400m, 14, 896, 1),
    ])

  /// SigLIP towers, average-pooled, with the tanh GELU.
  private static let siglipTanh = family(
    "siglip_gap", [.pooled, .tanhGELU, .halfMean], classes: 0,
    [
      Row("vit_base_patch32_siglip_gap_256", .base, 32, 256, 0.9, paper: "SigLIP-B/32-gap-256"),
      Row("vit_large_patch16_siglip_gap_512", .large, 16, 512, 0.9, paper: "SigLIP-L/16-gap-512"),
      Row("vit_so400m_patch16_siglip_gap_256", .so400m, 16, 256, 0.9),
      Row("vit_so400m_patch16_siglip_gap_384", .so400m, 16, 384, 0.9),
      Row("vit_so400m_patch16_siglip_gap_512", .so400m, 16, 512, 0.9),
      Row("vit_giantopt_patch16_siglip_gap_256", .giantOptimal, 16, 256, 0.9),
      Row("vit_giantopt_patch16_siglip_gap_384", .giantOptimal, 16, 384, 0.9),
    ])

  /// CLIP towers, projection as head.
  private static let clip = family(
    "clip", [.clip, .clipMean], classes: 1000,
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

  /// CLIP towers with the quick GELU, as OpenAI trained them.
  private static let clipQuick = family(
    "clip", [.clip, .quickGELU, .clipMean], classes: 1000,
    [
      Row("vit_base_patch32_clip_quickgelu_224", .base, 32, 224, 0.9, classes: 512),
      Row("vit_base_patch16_clip_quickgelu_224", .base, 16, 224, 1, classes: 512),
      Row("vit_large_patch14_clip_quickgelu_224", .large, 14, 224, 1, classes: 768),
      Row("vit_large_patch14_clip_quickgelu_336", .large, 14, 336, 1, classes: 768),
      Row("vit_huge_patch14_clip_quickgelu_224", .huge, 14, 224, 1, classes: 1024),
      Row("vit_huge_patch14_clip_quickgelu_378", .huge, 14, 378, 1, classes: 1024),
      Row("vit_gigantic_patch14_clip_quickgelu_224", .gigantic, 14, 224, 1, classes: 1280),
    ])

  /// EVA-L: the mean of the patches, then a norm.
  private static let eva = family(
    "eva", [.averagePooled, .poolNorm, .clipMean], classes: 1000,
    [
      Row("eva_large_patch14_196", .large, 14, 196, 1),
      Row("eva_large_patch14_336", .large, 14, 336, 1, [.squash]),
    ])

  /// FlexiViT at its default patch size.
  private static let flexivit = family(
    "flexivit", [.patchPositions, .bilinearPositions, .halfMean], classes: 1000,
    [
      Row("flexivit_small", .small, 16, 240, 0.95),
      Row("flexivit_base", .base, 16, 240, 0.95),
      Row("flexivit_large", .large, 16, 240, 0.95),
    ])

  /// InternViT: no final norm.
  private static let intern = family(
    "internvit", [.layerScale, .noFinalNorm, .imageNetMean], classes: 0,
    [
      Row("vit_intern300m_patch14_448", .large, 14, 448, 1)
    ])

  /// TIPSv2 towers.
  private static let tips = family(
    "tips", [.layerScale, .registers1, .patchPositions, .unitMean], classes: 0,
    [
      Row("vit_base_patch14_reg1_tipsv2", .base, 14, 448, 1),
      Row("vit_large_patch14_reg1_tipsv2", .large, 14, 448, 1),
      Row("vit_so400m_patch14_reg1_tipsv2", .so400m, 14, 448, 1),
      Row("vit_giant_patch14_reg1_tipsv2", .giantGated, 14, 448, 1, [.gated]),
    ])

  /// DINOv2.
  private static let dinov2 = family(
    "dinov2", [.layerScale, .imageNetMean], classes: 0,
    [
      Row("vit_small_patch14_dinov2", .small, 14, 518, 1, paper: "DINOv2-S/14"),
      Row("vit_base_patch14_dinov2", .base, 14, 518, 1, paper: "DINOv2-B/14"),
      Row("vit_large_patch14_dinov2", .large, 14, 518, 1, paper: "DINOv2-L/14"),
      Row("vit_giant_patch14_dinov2", .giantGated, 14, 518, 1, [.gated], paper: "DINOv2-g/14"),
    ])

  /// DINOv2 with registers.
  private static let dinov2Registers = family(
    "dinov2", [.layerScale, .registers4, .patchPositions, .imageNetMean], classes: 0,
    [
      Row("vit_small_patch14_reg4_dinov2", .small, 14, 518, 1, paper: "DINOv2-S/14-reg"),
      Row("vit_base_patch14_reg4_dinov2", .base, 14, 518, 1, paper: "DINOv2-B/14-reg"),
      Row("vit_large_patch14_reg4_dinov2", .large, 14, 518, 1, paper: "DINOv2-L/14-reg"),
      Row(
        "vit_giant_patch14_reg4_dinov2", .giantGated, 14, 518, 1, [.gated], paper: "DINOv2-g/14-reg"
      ),
    ])

  /// DeiT.
  private static let deit = family(
    "deit", [.imageNetMean], classes: 1000,
    [
      Row("deit_tiny_patch16_224", .tiny, 16, 224, 0.9, paper: "DeiT-Ti/16"),
      Row("deit_small_patch16_224", .small, 16, 224, 0.9, paper: "DeiT-S/16"),
      Row("deit_base_patch16_224", .base, 16, 224, 0.9, paper: "DeiT-B/16"),
      Row("deit_base_patch16_384", .base, 16, 384, 1, paper: "DeiT-B/16-384"),
    ])

  /// DeiT with distillation token and two heads.
  private static let deitDistilled = family(
    "deit", [.distilled, .imageNetMean], classes: 1000,
    [
      Row("deit_tiny_distilled_patch16_224", .tiny, 16, 224, 0.9, paper: "DeiT-Ti/16-distilled"),
      Row("deit_small_distilled_patch16_224", .small, 16, 224, 0.9, paper: "DeiT-S/16-distilled"),
      Row("deit_base_distilled_patch16_224", .base, 16, 224, 0.9, paper: "DeiT-B/16-distilled"),
      Row("deit_base_distilled_patch16_384", .base, 16, 384, 1, paper: "DeiT-B/16-distilled-384"),
    ])

  /// DeiT III.
  private static let deit3 = family(
    "deit3", [.layerScale, .patchPositions, .imageNetMean], classes: 1000,
    [
      Row("deit3_small_patch16_224", .small, 16, 224, 0.9, paper: "DeiT-III-S/16"),
      Row("deit3_small_patch16_384", .small, 16, 384, 1, paper: "DeiT-III-S/16-384"),
      Row("deit3_medium_patch16_224", .medium, 16, 224, 0.9, paper: "DeiT-III-M/16"),
      Row("deit3_base_patch16_224", .base, 16, 224, 0.9, paper: "DeiT-III-B/16"),
      Row("deit3_base_patch16_384", .base, 16, 384, 1, paper: "DeiT-III-B/16-384"),
      Row("deit3_large_patch16_224", .large, 16, 224, 0.9, paper: "DeiT-III-L/16"),
      Row("deit3_large_patch16_384", .large, 16, 384, 1, paper: "DeiT-III-L/16-384"),
      Row("deit3_huge_patch14_224", .huge, 14, 224, 0.9, paper: "DeiT-III-H/14"),
    ])

  /// timm's own test models.
  private static let test = family(
    "test", [.halfMean], classes: 1000,
    [
      Row("test_vit", .test, 16, 160, 0.95),
      Row("test_vit2", .test8, 16, 160, 0.95, [.pooled, .layerScale, .registers1, .poolNorm]),
    ])

  /// All of them.
  static let all: [Variant] = [
    plain, plainScaled, miil, averaged, registerAveraged, so150m2, so150m, siglip, siglipTanh, clip,
    clipQuick, eva, flexivit, intern, tips, dinov2, dinov2Registers, deit, deitDistilled, deit3,
    test,
  ].flatMap { $0 }
}
