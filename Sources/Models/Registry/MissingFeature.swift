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
  private static let grids = "positions and patches of a number that depends on the photo"
  private static let lateNorms = "residual units whose norms follow their convolutions"
  private static let batchNormedAttention = "attention whose linear layers have batch norms"

  private static let timm: [(prefixes: [String], feature: String)] = [
    (["resnetv2_50d_evos"], "EvoNorm-S0, a norm and an activation in one"),
    (["resnetv2_50d_frn"], "filter response norms, with a learned threshold for an activation"),
    (["naflexvit_"], grids),
    (["hiera_", "sam2_hiera"], pooledQueries),
    (["mvitv2_"], "queries, keys and values that convolutions pool"),
    (["pvt_v2_"], reducedKeys),
    (["cait_"], "attention that mixes its heads"),
    (["xcit_"], "attention between channels"),
    (["davit_"], "attention between channels"),
    (["volo_"], "outlook attention"),
    (["levit_"], batchNormedAttention),
    (
      [
        "convnext", "efficientnet", "tf_efficientnet", "mobilenet", "mobilevit", "coatnet",
        "coatnext", "maxvit", "maxxvit",
      ], depthwise
    ),
    (["resnet1", "resnet2", "resnet3", "resnet5", "resnext", "wide_resnet"], lateNorms),
  ]

  private static let transformers: [(types: Set<String>, feature: String)] = [
    (["hiera", "sam2", "sam2_vision_model", "sam2_hiera_det_model"], pooledQueries),
    (
      ["sam3", "sam3_vision_model"], "windows whose queries and keys are turned by their positions"
    ),
    (
      ["radio"],
      "class tokens of several teachers side by side, and pixels that the model normalizes"
    ),
    (["yolos"], "tokens after the patches, and positions that are added between blocks"),
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
    (["resnet"], lateNorms),
  ]
}
