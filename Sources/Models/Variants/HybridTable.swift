/// Vision Transformers behind a ResNet: what the ResNet makes of the image is cut into patches,
/// mostly of one pixel.
///
/// Source: google-research/vision_transformer's `configs/models.py`, and timm 1.0.31, whose numbers
/// the tests hold them to. Names count how many pixels a patch stands for, but R+ViT-Ti/16 has 32.
enum HybridTable {
  private struct Row {
    var name: String
    var depths: [Int]
    var size: VariantTable.Size
    var patch, image: Int
    var cropFraction: Double
    var classes: Int
    var paper: String?

    init(
      _ name: String, _ depths: [Int], _ size: VariantTable.Size, _ image: Int,
      _ cropFraction: Double, patch: Int = 1, classes: Int = 1000, paper: String? = nil
    ) {
      self.name = name
      self.depths = depths
      self.size = size
      self.patch = patch
      self.image = image
      self.cropFraction = cropFraction
      self.classes = classes
      self.paper = paper
    }

    var variant: Variant {
      var model = ViTConfiguration(
        name: name, family: "hybrid", image: image, patch: patch, dim: size.dim,
        depth: size.depth, heads: size.heads, mlpHidden: size.mlpHidden, classes: classes)
      model.trunk = ResNetTrunk(.postActivation, border: .same, depths: depths)
      model.positionGrid = model.grid
      model.preprocessing = .timm(
        height: image, width: image, cropFraction: cropFraction, mode: .shortestEdge,
        mean: Preprocessing.half.0, deviation: Preprocessing.half.1)
      return Variant(name: name, paperName: paper, configuration: model)
    }
  }

  private static let r26 = [2, 2, 2, 2]
  private static let r50 = [3, 4, 6, 3]
  /// Without the last stage, whose three units stand at the end of the one before it.
  private static let r50s16 = [3, 4, 9]

  static let all: [Variant] = [
    Row("vit_tiny_r_s16_p8_224", [], .tiny, 224, 0.9, patch: 8, paper: "R+ViT-Ti/16"),
    Row("vit_tiny_r_s16_p8_384", [], .tiny, 384, 1, patch: 8, paper: "R+ViT-Ti/16-384"),
    Row("vit_small_r26_s32_224", r26, .small, 224, 0.9, paper: "R26+ViT-S/32"),
    Row("vit_small_r26_s32_384", r26, .small, 384, 1, paper: "R26+ViT-S/32-384"),
    Row("vit_base_r26_s32_224", r26, .base, 224, 0.9, paper: "R26+ViT-B/32"),
    Row("R50+ViT-B/32", r50, .base, 224, 0.9),
    Row("vit_base_r50_s16_224", r50s16, .base, 224, 0.9, classes: 0, paper: "R50+ViT-B/16"),
    Row("vit_base_r50_s16_384", r50s16, .base, 384, 1, paper: "R50+ViT-B/16-384"),
    Row("vit_large_r50_s32_224", r50, .large, 224, 0.9, paper: "R50+ViT-L/32"),
    Row("vit_large_r50_s32_384", r50, .large, 384, 1, paper: "R50+ViT-L/32-384"),
    Row("R50+ViT-L/16", r50s16, .large, 224, 0.9),
  ].map(\.variant)
}
