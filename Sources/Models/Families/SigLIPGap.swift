/// SigLIP's image encoders as timm's `gap` entries have them: without their attention pooling.
///
/// `features` is the mean of the normalized tokens.
///
/// Reference: Zhai et al. 2023, arXiv:2303.15343.
struct SigLIPGap: TransformerFamily {
  static let title = "siglip_gap"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  /// The pooling by attention that Google's files have is not read: timm does not either.
  var storedNames: StoredNames {
    StoredNames(jax: .jaxViT(heads: model.heads, blocks: model.depth))
  }

  func arithmetic(under convention: NumericsConvention) -> TransformerArithmetic {
    .siglip(convention)
  }

  static let variants = siglip + siglipTanh

  /// SigLIP encoders, average-pooled, as timm computes them with the erf GELU.
  private static let siglip = rows(
    [.pooled, .halfMean], classes: 0,
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

  /// SigLIP encoders, average-pooled, with the tanh GELU.
  private static let siglipTanh = rows(
    [.pooled, .tanhGELU, .halfMean], classes: 0,
    [
      Row("vit_base_patch32_siglip_gap_256", .base, 32, 256, 0.9, paper: "SigLIP-B/32-gap-256"),
      Row("vit_large_patch16_siglip_gap_512", .large, 16, 512, 0.9, paper: "SigLIP-L/16-gap-512"),
      Row("vit_so400m_patch16_siglip_gap_256", .so400m, 16, 256, 0.9),
      Row("vit_so400m_patch16_siglip_gap_384", .so400m, 16, 384, 0.9),
      Row("vit_so400m_patch16_siglip_gap_512", .so400m, 16, 512, 0.9),
      Row("vit_giantopt_patch16_siglip_gap_256", .giantOptimal, 16, 256, 0.9),
      Row("vit_giantopt_patch16_siglip_gap_384", .giantOptimal, 16, 384, 0.9),
    ])
}
