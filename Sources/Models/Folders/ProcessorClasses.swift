extension ProcessorClass {
  private static let imageNet = Preprocessing.imageNet
  private static let clip = Preprocessing.clip
  private static let half = Preprocessing.half

  /// The classes of transformers 5.23 that make one image, which the tests hold to
  /// the library's own defaults, and ViTHybrid's, which transformers 5 has no more.
  static let all: [ProcessorClass] = [
    .init("Beit", .square(224), .bicubic, half, crop: 224, crops: false),
    .init("Bit", .shortest(224), .bicubic, clip, crop: 224, rgb: true),
    .init("Blip", .square(384), .bicubic, clip, rgb: true),
    .init(
      "Chameleon", .shortest(512), .lanczos, ([1, 1, 1], [1, 1, 1]), crop: 512,
      rescale: 0.0078, rgb: true),
    .init("ChineseCLIP", .shortest(224), .bicubic, clip, crop: 224, rgb: true),
    .init("CLIP", .shortest(224), .bicubic, clip, crop: 224, rgb: true),
    .init("ConvNext", .shortest(384), .bicubic, half, rule: .convNext),
    .init("DeiT", .square(256), .bicubic, half, crop: 224),
    .init("DINOv3ViT", .square(224), .bilinear, imageNet, rule: .floats),
    .init("DPT", .square(384), .bicubic, half, rule: .dpt),
    .init(
      "EfficientNet", .square(346), .bicubic, half, crop: 289, crops: false,
      rule: .efficientNet),
    .init("Flava", .square(224), .bicubic, clip, crop: 224),
    .init("Gemma3", .square(224), .bilinear, half, rgb: true, refused: "do_pan_and_scan"),
    .init("Idefics", .square(224), .bicubic, clip, rgb: true),
    .init("LayoutLMv2", .square(224), .bilinear, nil, rule: .layoutLMv2),
    .init("LayoutLMv3", .square(224), .bilinear, half),
    .init("Levit", .shortest(224), .bicubic, imageNet, crop: 224, rule: .levit),
    .init("Llava", .shortest(224), .bicubic, clip, crop: 224, rgb: true, refused: "do_pad"),
    .init("MobileNetV1", .shortest(256), .bilinear, half, crop: 224),
    .init("MobileNetV2", .shortest(256), .bilinear, half, crop: 224),
    .init("MobileViT", .shortest(224), .bicubic, nil, crop: 256, rule: .mobileViT),
    .init("Ovis2", .square(384), .bicubic, clip, rgb: true, refused: "crop_to_patches"),
    .init("OwlViT", .square(768), .bicubic, clip, crop: 768, crops: false, rgb: true),
    .init("PI0", .within(224), .bicubic, half, rgb: true, square: false, rule: .padded),
    .init("PoolFormer", .shortest(224), .bicubic, imageNet, crop: 224, rule: .poolFormer),
    .init("PPChart2Table", .square(1024), .bicubic, clip),
    .init("Pvt", .square(224), .bicubic, imageNet),
    .init(
      "RTDetr", .square(640), .bilinear, imageNet, normalizes: false, square: false,
      rule: .uncropped, refused: "do_pad"),
    .init("Sam", .longest(1024), .bilinear, imageNet, rgb: true, rule: .padded),
    .init(
      "Sam2", .square(1024), .bilinear, imageNet, rgb: true, rule: .uncropped,
      refused: "do_pad"),
    .init(
      "Sam3", .square(1008), .bilinear, half, rgb: true, rule: .uncropped,
      refused: "do_pad"),
    .init(
      "Sapiens2", .exact(height: 1024, width: 768), .bilinear, imageNet, crop: 224,
      crops: false, rule: .sapiens),
    .init("Segformer", .square(512), .bilinear, imageNet, rule: .uncropped),
    .init("Siglip", .square(224), .bicubic, half, rgb: true, square: false),
    .init("Siglip2", .patches(256), .bilinear, half, square: true, rule: .patches),
    .init("Tipsv2", .square(448), .bilinear, nil, rgb: true),
    .init("Tipsv2Dpt", .square(448), .bilinear, nil, rgb: true),
    .init("ViT", .square(224), .bilinear, half),
    .init("ViTHybrid", .shortest(224), .bicubic, clip, crop: 224, rgb: true),
  ]

  /// The other classes of transformers 5.23: they make several images, patches, or images of sizes
  /// that depend on the photo, or they do what vitc does not.
  static let refused: Set<String> = [
    "Aria", "BridgeTower", "CHMv2", "Cohere2Vision", "CohereCompass", "ConditionalDetr",
    "Cosmos3Edge", "DeepseekOcr2", "DeepseekVL", "DeepseekVLHybrid", "DeformableDetr", "DepthPro",
    "Detr", "Donut", "EfficientLoFTR", "Emu3", "Eomt", "Ernie4_5_VLMoe", "Ernie4_5_VL_Moe",
    "Fuyu", "GLPN", "Gemma4", "Gemma4Unified", "Glm46V", "Glm4v", "Glm5Next", "GlmImage", "Glmga",
    "GotOcr2", "GraniteDocling", "GroundingDino", "HunYuanVL", "Idefics2", "Idefics3", "ImageGPT",
    "Inkling", "Inkling2", "Janus", "Kimi_K25", "Kosmos2_5", "Lfm2Vl", "LightGlue", "Llama4",
    "LlavaNext", "LlavaOnevision", "Mask2Former", "MaskFormer", "MiniCPMOcr", "MiniCPMV4_6",
    "MiniMaxM3VL", "Mllama", "Molmo2", "MuseGlimmer", "NemotronH_Omni_Reasoning_V3", "NeoMME",
    "Nougat", "OneFormer", "Owlv2", "PPDocLayoutV2", "PPDocLayoutV3", "PPDocLayoutV4",
    "PPFormulaNet", "PPLCNet", "PPOCRV5ServerDet", "PPOCRV5ServerRec", "PPOCRV6SmallRec",
    "PaddleOCRVL", "Perceiver", "PerceptionLM", "Phi4Multimodal", "Pix2Struct", "Pixtral",
    "PromptDepthAnything", "Qwen2VL", "RfDetr", "SLANeXt", "SegGpt", "SmolVLM",
    "Step3p7", "SuperGlue", "SuperPoint", "Swin2SR", "TextNet", "Tvp", "UVDoc", "UltraVBert",
    "UnlimitedOcr", "VideoLlama3", "VideoLlava", "VideoMAE", "Vilt", "VitMatte", "VitPose",
    "Vivit", "Yolos", "ZoeDepth",
  ]
}
