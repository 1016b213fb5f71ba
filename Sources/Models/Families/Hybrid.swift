import Diagnostics

/// Vision Transformers after a ResNet whose norms follow its convolutions, or after a few
/// convolutions.
///
/// What the ResNet makes of the image is cut into patches, mostly of one pixel; `features` is the
/// class token. Names count how many pixels of the image a patch covers, but R+ViT-Ti/16 has 32.
///
/// Reference: Dosovitskiy et al. 2020, arXiv:2010.11929, and google-research/vision_transformer's
/// `configs/models.py`; the numbers are timm's, 1.0.31, which the tests hold them to.
struct Hybrid: TransformerFamily {
  static let title = "hybrid"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  // MARK: - Names

  var storedNames: StoredNames {
    guard model.backbone?.norm == .group else { return .none }
    let backbone = PatchEmbedding.backbonePrefix
    return StoredNames(
      transformers: .transformersViT
        + (NameTable.transformersResNet + Self.transformersStem).prefixed(
          backbone, stored: "embeddings.patch_embeddings.backbone.bit."
        )
        .ignoring("mask_token", "pooler"),
      jax: .jaxViT(heads: model.heads, blocks: model.depth)
        + Self.googleNames.prefixed(backbone))
  }

  /// timm makes a stem alone, without stages, a module of its own.
  private static let transformersStem: NameTable = [
    "conv": "embedder.convolution", "norm": "embedder.norm",
  ]

  /// Stages and units are numbered from 1.
  ///
  /// Old files store the parameters of group norms as
  /// `[1, 1, 1, C]`.
  private static let googleNames: NameTable = {
    let (unit, stored) = ("stages.{i}.blocks.{i}.", "block{i+1}/unit{i+1}/")
    var table: NameTable = [
      "conv": .init("conv_root", .convolution), "norm": .init("gn_root", .groupNorm),
      "stem.conv": .init("conv_root", .convolution), "stem.norm": .init("gn_root", .groupNorm),
      "\(unit)downsample.conv": .init("\(stored)conv_proj", .convolution),
      "\(unit)downsample.norm": .init("\(stored)gn_proj", .groupNorm),
    ]
    for number in 1...3 {
      table =
        table + [
          "\(unit)conv\(number)": .init("\(stored)conv\(number)", .convolution),
          "\(unit)norm\(number)": .init("\(stored)gn\(number)", .groupNorm),
        ]
    }
    return table
  }()

  // MARK: - Numerics

  mutating func follow(_ convention: NumericsConvention) {
    guard convention != numerics else { return }
    model.follow(convention, arithmetic(under: convention))
    switch convention {
    case .timm, .huggingFace: model.backbone?.setArithmetic(.variance, 1e-8, groupNorm: 1e-5)
    // google-research/vision_transformer.
    case .jax: model.backbone?.setArithmetic(.deviation, 1e-5, groupNorm: 1e-6)
    }
  }

  // MARK: - transformers

  static let modelTypes = [
    TransformersModel(
      modelType: "vit-hybrid", prefix: "vit.", anchor: ViT.anchor, processor: "ViTHybrid",
      // Google's.
      assumed: .init(mode: .shortestEdge, edge: 224, .bicubic, Preprocessing.half), crop: .isScaled
    ) { (root, name) throws(Diagnostic) in
      var model = try VisionTransformer(
        root, name: name, patch: 1, epsilon: 1e-12, readBackbone: readBackbone)
      model.mlpHidden = try root.integer("intermediate_size") ?? 3072
      model.pooler = try Pooler(root, width: model.dim)
      if let head = try TransformersHead(root, "vit-hybrid") { model.setHead(head) }
      return Hybrid(model)
    }
  ]

  /// Reads the `backbone_config` of a hybrid,
  /// which has its own default: the first three stages of
  /// a ResNet-50, with nine units in the third.
  @Sendable private static func readBackbone(
    _ root: ConfigurationObject
  ) throws(Diagnostic) -> ResNetBackbone? {
    if let name = root.value("backbone") {
      throw Diagnostic(
        "'backbone' is \(name.described), which vitc does not support", at: .file(root.path),
        hint: "vitc reads hybrids whose 'backbone_config' is that of a Bit model")
    }
    let path = root.path
    guard let object = try root.object("backbone_config") else {
      return ResNetBackbone(.postActivation, border: .same, depths: [3, 4, 9])
    }
    if let type = try object.string("model_type"), type != "bit" {
      throw Diagnostic(
        "'backbone_config.model_type' is '\(type)', expected 'bit'", at: .file(path))
    }
    let backbone = try ResNetBackbone.read(object)
    guard backbone.form == .postActivation else {
      throw Diagnostic(
        "'backbone_config.layer_type' is 'preactivation', expected 'bottleneck'", at: .file(path))
    }
    let last = "stage\(backbone.depths.count)"
    if let features = object.value("out_features"), features != .array([.string(last)]) {
      throw Diagnostic(
        "'backbone_config.out_features' is \(features.described), expected the last stage, "
          + "'\(last)'", at: .file(path))
    }
    return backbone
  }

  // MARK: - Variants

  private static func variant(
    _ name: String, _ depths: [Int], _ size: TransformerSize, _ image: Int, _ cropFraction: Double,
    patch: Int = 1, classes: Int = 1000, paper: String? = nil
  ) -> Variant {
    var model = VisionTransformer(
      name: name, image: image, patch: patch, dim: size.dim, depth: size.depth,
      heads: size.heads, mlpHidden: size.mlpHidden, classes: classes)
    model.backbone = ResNetBackbone(.postActivation, border: .same, depths: depths)
    model.positionGrid = model.grid
    model.preprocessing = .timm(
      height: image, width: image, cropFraction: cropFraction,
      mean: Preprocessing.half.0, deviation: Preprocessing.half.1)
    return Variant(Hybrid(model), paperName: paper)
  }

  /// timm's own, untrained, after a ResNet-D of its other class, with batch norms.
  private static func resNetD(
    _ name: String, _ depths: [Int], _ size: TransformerSize
  ) -> Variant {
    var model = VisionTransformer(
      name: name, image: 224, patch: 1, dim: size.dim, depth: size.depth, heads: size.heads,
      mlpHidden: size.mlpHidden, classes: 1000)
    var backbone = ResNetBackbone(.postActivation, border: .symmetric, depths: depths)
    backbone.isStandardized = false
    backbone.norm = .batch
    backbone.stemForm = .deep
    backbone.averagesShortcuts = true
    backbone.names = .resNet
    model.backbone = backbone
    model.positionGrid = model.grid
    model.preprocessing = .timm(
      height: 224, width: 224, cropFraction: 0.9, mean: Preprocessing.imageNet.0,
      deviation: Preprocessing.imageNet.1)
    return Variant(Hybrid(model), paperName: nil)
  }

  /// MobileCLIP-B, after three convolutions; the head is its projection.
  private static let mobileCLIP: Variant = {
    let row = TransformerRow(
      "vit_base_mci_224", .base, 16, 224, 0.9, [.patchPositions, .unitMean], classes: 512,
      paper: "MobileCLIP-B")
    var model = row.model([], classes: 512)
    model.hasConvolutionalStem = true
    return Variant(Hybrid(model), paperName: row.paper)
  }()

  private static let r26 = [2, 2, 2, 2]
  private static let r50 = [3, 4, 6, 3]
  /// Without the last stage, whose three units are at the end of the one before it.
  private static let r50s16 = [3, 4, 9]

  static let variants: [Variant] = [
    variant("vit_tiny_r_s16_p8_224", [], .tiny, 224, 0.9, patch: 8, paper: "R+ViT-Ti/16"),
    variant("vit_tiny_r_s16_p8_384", [], .tiny, 384, 1, patch: 8, paper: "R+ViT-Ti/16-384"),
    variant("vit_small_r26_s32_224", r26, .small, 224, 0.9, paper: "R26+ViT-S/32"),
    variant("vit_small_r26_s32_384", r26, .small, 384, 1, paper: "R26+ViT-S/32-384"),
    variant("vit_base_r26_s32_224", r26, .base, 224, 0.9, paper: "R26+ViT-B/32"),
    variant("R50+ViT-B/32", r50, .base, 224, 0.9),
    variant("vit_base_r50_s16_224", r50s16, .base, 224, 0.9, classes: 0, paper: "R50+ViT-B/16"),
    variant("vit_base_r50_s16_384", r50s16, .base, 384, 1, paper: "R50+ViT-B/16-384"),
    variant("vit_large_r50_s32_224", r50, .large, 224, 0.9, paper: "R50+ViT-L/32"),
    variant("vit_large_r50_s32_384", r50, .large, 384, 1, paper: "R50+ViT-L/32-384"),
    variant("R50+ViT-L/16", r50s16, .large, 224, 0.9),
    resNetD("vit_small_resnet26d_224", r26, .shallow),
    resNetD("vit_small_resnet50d_s16_224", [3, 4, 6], .shallow),
    resNetD("vit_base_resnet26d_224", r26, .base),
    resNetD("vit_base_resnet50d_224", r50, .base),
    mobileCLIP,
  ]
}
