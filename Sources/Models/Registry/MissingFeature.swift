/// What models of other families need, and vitc does not have: a refusal names it.
enum MissingFeature {
  /// What timm's architecture of this name needs; `nil`: nothing is known of it.
  static func ofTimm(_ name: String) -> String? {
    timm.first { $0.prefixes.contains(where: name.hasPrefix) }?.feature
  }

  /// What transformers' models of this `model_type` need; `nil`: nothing is known of them.
  static func ofTransformers(_ modelType: String) -> String? {
    transformers.first { $0.types.contains(modelType) }?.feature
  }

  private static let depthwise = "depthwise convolutions"
  private static let pooledQueries = "queries that are pooled between stages"
  private static let reducedKeys = "keys and values of a map that convolutions make smaller"
  // Before a Transformer there are such units; a model of them alone there is not.
  private static let lateNorms = "a ResNet by itself whose norms follow its convolutions"
  private static let detector = "a decoder that finds objects in the maps of a backbone"
  private static let segmenter = "a decoder that makes masks of the maps of a backbone"
  private static let depths = "a decoder that makes a map of distances of the maps of a backbone"
  private static let frames = "patches of several frames of a video"
  private static let batchNormedAttention = "attention whose linear layers have batch norms"

  private static let timm: [(prefixes: [String], feature: String)] = [
    (["hiera_", "sam2_hiera"], pooledQueries),
    (["mvitv2_"], "queries, keys and values that convolutions pool"),
    (["pvt_v2_"], reducedKeys),
    (["cait_"], "attention that mixes its heads"),
    (["xcit_"], "attention between channels"),
    (["davit_"], "attention between channels"),
    (["volo_"], "outlook attention"),
    (["levit_"], batchNormedAttention),
    (
      ["vit_relpos_", "vit_srelpos_"],
      "relative positions that a network makes of distances between all tokens"
    ),
    (
      [
        "convnext", "efficientnet", "tf_efficientnet", "mobilenet", "mobilevit", "coatnet",
        "coatnext", "maxvit", "maxxvit", "vitamin_",
      ], depthwise
    ),
    (["resnet1", "resnet2", "resnet3", "resnet5", "resnext", "wide_resnet"], lateNorms),
  ]

  private static let transformers: [(types: Set<String>, feature: String)] = [
    (["hiera", "sam2", "sam2_vision_model", "sam2_hiera_det_model"], pooledQueries),
    (
      ["sam3", "sam3_vision_model"], "windows whose queries and keys are turned by their positions"
    ),
    (["pvt", "pvt_v2", "segformer"], reducedKeys),
    (["levit"], batchNormedAttention),
    (["cvt"], "queries, keys and values that convolutions make"),
    (["poolformer"], "pooling in place of attention"),
    (["focalnet"], "focal modulation in place of attention"),
    (
      [
        "convnext", "convnextv2", "dinov3_convnext", "efficientnet", "mobilenet_v1",
        "mobilenet_v2", "mobilevit", "mobilevitv2",
      ], depthwise
    ),
    (["resnet", "rt_detr_resnet"], lateNorms),
    (["regnet"], "convolutions of groups of channels"),
    (["hgnet_v2", "pp_lcnet", "pp_lcnet_v3", "pp_lcnet_v4", "swiftformer", "align"], depthwise),
    (["textnet"], "convolutions of several shapes beside each other"),
    (["superpoint"], "a net of convolutions that finds points"),
    (["dinat"], "attention of each place to its neighbourhood"),
    (["vitpose_backbone"], "patches cut from an image that is widened, and experts in its MLP"),
    (["rf_detr_dinov2"], "windows that have class tokens of their own"),
    (["maskformer-swin"], "a norm for the map of each stage"),
    (["imagegpt"], "pixels as tokens of a vocabulary, each after the ones before it"),
    (["perceiver"], "latents that read the image by cross-attention"),
    (["swin2sr"], "images that the model makes larger"),
    (["timesformer", "videomae", "vivit", "vjepa2", "videoprism_vision_model"], frames),
    (
      [
        "conditional_detr", "d_fine", "dab-detr", "deformable_detr", "deimv2", "detr", "lw_detr",
        "rf_detr", "rt_detr", "rt_detr_v2", "table-transformer",
      ], detector
    ),
    (["mask2former", "maskformer", "oneformer", "upernet"], segmenter),
    (["eomt", "eomt_dinov3"], "queries for masks that join the tokens before the last blocks"),
    (
      ["chmv2", "depth_anything", "depth_pro", "dpt", "glpn", "prompt_depth_anything", "zoedepth"],
      depths
    ),
  ]
}
