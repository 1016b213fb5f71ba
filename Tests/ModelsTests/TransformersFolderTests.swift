import Foundation
import IR
import Testing

@testable import Models

@Suite struct TransformersFolderTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(_ config: String, processor: String? = nil) throws -> ModelFolder {
    try folder.write("config.json", config)
    if let processor { try folder.write("preprocessor_config.json", processor) }
    return try ModelFolder(path: folder.url.path)
  }

  private func transformer(_ config: String) throws -> VisionTransformer {
    try ModelsTests.transformer(read(config).model)
  }

  /// Sparse configurations take the defaults of transformers' classes.
  @Test func fillsInDefaults() throws {
    let vit = try transformer(#"{"model_type": "vit"}"#)
    #expect(vit.dim == 768 && vit.depth == 12 && vit.heads == 12 && vit.mlpHidden == 3072)
    #expect(vit.imageHeight == 224 && vit.patch == 16 && vit.layerNormEpsilon == 1e-12)
    #expect(vit.classes == 0 && vit.activation == .gelu && vit.positionResize == .bicubic)

    let deit = try transformer(#"{"model_type": "deit"}"#)
    #expect(deit.hasDistillationToken && deit.positionPrefix == 2 && deit.pooling == .token)

    let dino = try transformer(#"{"model_type": "dinov2"}"#)
    #expect(dino.patch == 14 && dino.layerNormEpsilon == 1e-6 && dino.layerScale)
    #expect(dino.positionResize == .bicubic && dino.registerTokens == 0)

    let registers = try transformer(#"{"model_type": "dinov2_with_registers"}"#)
    #expect(registers.patch == 16 && registers.registerTokens == 4)
    #expect(registers.positionPrefix == 1 && registers.positionResize == .bicubicAntialiased)

    // facebook/dinov2-giant: 1536 wide, SwiGLU of 4096.
    let giant = try transformer(
      #"{"model_type": "dinov2", "hidden_size": 1536, "num_attention_heads": 24, "#
        + #""use_swiglu_ffn": true}"#)
    #expect(giant.mlpHidden == 4096 && giant.feedForward == .gated && giant.activation == .silu)
  }

  @Test(arguments: [
    ("vit", "ViTForImageClassification", TokenPooling.token, 3),
    ("vit", "ViTModel", .token, 0), ("vit", "ViTForMaskedImageModeling", .token, 0),
    ("deit", "DeiTForImageClassification", .token, 3),
    ("deit", "DeiTForImageClassificationWithTeacher", .distilled, 3),
    ("dinov2", "Dinov2ForImageClassification", .tokenAndAverage, 3),
    ("dinov2", "Dinov2Backbone", .token, 0),
  ])
  func choosesTheHead(
    type: String, architecture: String, pooling: TokenPooling, classes: Int
  ) throws {
    let model = try transformer(
      #"{"model_type": "\#(type)", "architectures": ["\#(architecture)"], "#
        + #""id2label": {"1": "b", "0": "a", "2": "c"}}"#)
    #expect(model.pooling == pooling && model.classes == classes)
    #expect(model.labels == (classes == 0 ? [] : ["a", "b", "c"]))
  }

  @Test func countsLabels() throws {
    let head = #"{"model_type": "vit", "architectures": ["ViTForImageClassification"]"#
    #expect(try read("\(head)}").model.classes == 2)
    #expect(try read("\(head), \"num_labels\": 9}").model.classes == 9)
    #expect(try read(#"{"model_type": "vit", "num_labels": 4}"#).model.classes == 4)
  }

  @Test(arguments: [
    (#""model_type": "vti""#, "unknown model_type 'vti'"),
    (
      #""model_type": "sam2""#,
      "model_type 'sam2' needs queries that are pooled between stages, which vitc does not have"
    ),
    (#""model_type": 3"#, "'model_type' is the integer 3, expected a string"),
    (
      #""model_type": "vit", "hidden_size": "768""#,
      "'hidden_size' is the string \"768\", expected an integer"
    ),
    (
      #""model_type": "vit", "hidden_size": 9223372036854775807"#,
      "'hidden_size' is the integer 9223372036854775807, expected an integer between -2^31 and 2^31"
    ),
    (
      #""model_type": "vit", "image_size": [16, -4294967296]"#,
      "'image_size' is the integer -4294967296, expected an integer between -2^31 and 2^31"
    ),
    (
      #""model_type": "vit", "qkv_bias": 1"#,
      "'qkv_bias' is the integer 1, expected true or false"
    ),
    (
      #""model_type": "vit", "layer_norm_eps": [1]"#,
      "'layer_norm_eps' is an array of 1, expected a number"
    ),
    (#""model_type": "vit", "hidden_act": "gleu""#, "unknown 'hidden_act' 'gleu'"),
    (
      #""model_type": "vit", "patch_size": [16, 8]"#, "'patch_size' is 16x8, expected a square"
    ),
    (
      #""model_type": "vit", "image_size": [1, 2, 3]"#,
      "'image_size' is an array of 3, expected an integer or two"
    ),
    (
      #""model_type": "vit", "architectures": "ViTModel""#,
      "'architectures' is the string \"ViTModel\", expected an array of strings"
    ),
    (
      #""model_type": "vit", "architectures": ["DeiTForImageClassificationWithTeacher"]"#,
      "architecture 'DeiTForImageClassificationWithTeacher' does not go with model_type 'vit'"
    ),
    (
      #""model_type": "vit", "num_labels": 2, "id2label": {"0": "a", "b": "b"}"#,
      "'id2label' has the key 'b', expected the index of a class"
    ),
    (
      #""model_type": "vit", "id2label": {"0": "a", "00": "b"}"#,
      "'id2label' names class 0 twice"
    ),
    (
      #""model_type": "vit", "id2label": {"0": ["a"]}"#,
      "'id2label.0' is an array of 1, expected a string"
    ),
    (
      #""model_type": "vit", "layer_norm_eps": NaN"#,
      "'layer_norm_eps' is the number nan, expected a finite number"
    ),
    (
      #""model_type": "dinov2", "mlp_ratio": -Infinity"#,
      "'mlp_ratio' is the number -inf, expected a finite number"
    ),
    (
      #""model_type": "dinov2", "mlp_ratio": 1e9"#,
      "'mlp_ratio' is 1000000000.0, expected 0 to 1000"
    ),
  ])
  func refuses(text: String, message: String) throws {
    let error = try diagnostic { try read("{\(text)}") }
    #expect(error.message == message)
    #expect(error.location == .file(folder.url.path + "/config.json"))
  }

  /// Forms in which preprocessor_config.json is found.
  @Test(arguments: [
    // google/vit-base-patch16-224's old form.
    (
      "vit",
      #"{"do_normalize": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5], "#
        + #""image_std": [0.5, 0.5, 0.5], "size": 224}"#,
      Preprocessing(
        mode: .exact, resizeWidth: 224, resizeHeight: 224, filter: .bilinear,
        mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5],
        cropRounding: .down)
    ),
    (
      "vit",
      #"{"image_processor_type": "ViTImageProcessorFast", "resample": 3, "#
        + #""size": {"height": 240, "width": 240}, "do_rescale": false, "do_normalize": false}"#,
      Preprocessing(
        mode: .exact, resizeWidth: 224, resizeHeight: 224, filter: .bicubic, rescale: 1,
        mean: [0, 0, 0], deviation: [1, 1, 1],
        cropRounding: .down)
    ),
    (
      "deit", "{}",
      Preprocessing(
        mode: .exact, resizeWidth: 256, resizeHeight: 256, filter: .bicubic,
        mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5],
        cropRounding: .down)
    ),
    (
      "deit",
      #"{"feature_extractor_type": "DeiTFeatureExtractor", "size": 438, "crop_size": 384, "#
        + #""image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}"#,
      // Scaled from a crop of 384 to the model's 224: 438 * 224 / 384 = 255.5.
      Preprocessing(
        mode: .exact, resizeWidth: 256, resizeHeight: 256, filter: .bicubic,
        mean: Preprocessing.imageNet.0, deviation: Preprocessing.imageNet.1,
        cropRounding: .down)
    ),
    (
      "vit", #"{"do_resize": false, "image_processor_type": "CLIPImageProcessor"}"#,
      Preprocessing(
        mode: .none, resizeWidth: 224, resizeHeight: 224, filter: .bicubic,
        mean: Preprocessing.clip.0, deviation: Preprocessing.clip.1,
        cropRounding: .down)
    ),
  ])
  func readsProcessors(type: String, text: String, wanted: Preprocessing) throws {
    var wanted = wanted
    if text.contains("CLIP") { wanted.alpha = .onWhite }
    let found = try read(#"{"model_type": "\#(type)"}"#, processor: text)
    #expect(found.model.preprocessing == wanted)
    // Sizes that contradict each other are told of.
    #expect(found.notes.count == (text.contains("240") || text.contains("438") ? 1 : 0))
    #expect(found.warnings.isEmpty)
  }

  /// DINOv2's hub folders: trained at 518, cropped to 224.
  @Test func dinoTakesTheProcessorsSize() throws {
    let found = try read(
      #"{"model_type": "dinov2", "image_size": 518}"#,
      processor: #"{"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}}"#)
    #expect(found.model.imageHeight == 224)
    #expect((try ModelsTests.transformer(found.model)).positionGrid == [37, 37])
    #expect(found.model.preprocessing?.mode == .shortestEdge)
    #expect(found.model.preprocessing?.resizeHeight == 256)
    #expect(found.notes.count == 1)
  }

  @Test func assumesAProcessor() throws {
    let found = try read(#"{"model_type": "dinov2"}"#)
    #expect(found.model.preprocessing?.mean == [0.485, 0.456, 0.406])
    #expect(found.notes.count == 1)
  }

  /// The files of multi-modal models come first.
  @Test func readsTheMemberOfAProcessorFile() throws {
    let processor =
      #"{"image_processor": {"image_processor_type": "SiglipImageProcessorFast", "#
      + #""size": {"height": 224, "width": 224}, "resample": "PILImageResampling.HAMMING"}}"#
    try folder.write("processor_config.json", processor)
    let found = try read(#"{"model_type": "vit"}"#, processor: #"{"resample": 0}"#)
    #expect(found.model.preprocessing?.filter == .hamming)
    #expect(found.model.preprocessing?.alpha == .onWhite)
    // Older ones have no such member.
    try folder.write("processor_config.json", #"{"processor_class": "CLIPProcessor"}"#)
    let old = try read(#"{"model_type": "vit"}"#, processor: #"{"resample": 0}"#)
    #expect(old.model.preprocessing?.filter == .nearest)
  }

  /// What says enough is used, with a warning; what does not has no preprocessing, and says why.
  @Test func takesUnknownProcessors() throws {
    let named = #""image_processor_type": "PhotoImageProcessor""#
    let keys = #""size": {"shortest_edge": 256}, "crop_size": 224, "resample": "bicubic""#
    let found = try read(
      #"{"model_type": "vit"}"#,
      processor: "{\(named), \(keys), \"image_mean\": 0.5, \"image_std\": [0.5, 0.25, 1]}")
    #expect(found.warnings.map(\.severity) == [.warning])
    #expect(
      found.model.preprocessing
        == Preprocessing(
          mode: .shortestEdge, resizeWidth: 256, resizeHeight: 256, filter: .bicubic,
          mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.25, 1], cropRounding: .down))
    for (text, reason) in [
      ("", "the image processor 'PhotoImageProcessor' is unknown, and its file has no 'size'"),
      (
        ", \(keys)",
        "the image processor 'PhotoImageProcessor' is unknown, and its file has no 'image_mean'"
      ),
      (
        ", \(keys), \"do_normalize\": false, \"do_pad\": true",
        "the image processor 'PhotoImageProcessor' is unknown, and its file says 'do_pad'"
      ),
    ] {
      let unknown = try read(#"{"model_type": "vit"}"#, processor: "{\(named)\(text)}")
      #expect(unknown.model.preprocessing == nil)
      #expect(unknown.model.preprocessingRefusal == reason)
      #expect(unknown.warnings.map(\.message) == ["photos cannot be preprocessed: \(reason)"])
    }
  }

  @Test(arguments: [
    ("Qwen2VL", "", "vitc does not follow the image processor 'Qwen2VLImageProcessor'"),
    (
      "Llava", #", "do_pad": true"#,
      "vitc does not follow 'do_pad' of the image processor 'LlavaImageProcessor'"
    ),
    (
      "DPT", #", "keep_aspect_ratio": true, "do_pad": true"#,
      "the image processor 'DPTImageProcessor' pads images to sizes that depend on the photo"
    ),
    (
      "DPT", #", "keep_aspect_ratio": true, "do_center_crop": true"#,
      "the image processor 'DPTImageProcessor' crops images of sizes that depend on the photo"
    ),
    (
      "Siglip2", #", "do_resize": false"#,
      "the image processor 'Siglip2ImageProcessor' has 'do_resize' off"
    ),
    (
      "Siglip2", #", "patch_size": 15"#,
      "the image processor 'Siglip2ImageProcessor' makes patches of 15 pixels a side, the model's "
        + "image is 224x224"
    ),
    (
      "ConvNext", #", "size": {"shortest_edge": 36}, "do_center_crop": true, "crop_size": 33"#,
      "the image processor 'ConvNextImageProcessor' crops twice, to 36x36 and to 33x33"
    ),
    (
      "DPT", #", "ensure_multiple_of": 1000"#,
      "the image processor 'DPTImageProcessor' resizes to 0x0"
    ),
    (
      "DINOv3ViT", #", "resample": 1"#,
      "the image processor 'DINOv3ViTImageProcessor' resizes floats with the filter 'lanczos', "
        + "vitc does so bilinearly and bicubically"
    ),
    (
      "ViT", #", "size": {"longest_edge": 224}"#,
      "the image processor 'ViTImageProcessor' does not resize by 'longest_edge' alone"
    ),
    (
      "ViT", #", "do_center_crop": true"#,
      "the image processor 'ViTImageProcessor' has 'do_center_crop' and no 'crop_size'"
    ),
  ])
  func refusesByName(name: String, text: String, reason: String) throws {
    let found = try read(
      #"{"model_type": "vit"}"#,
      processor: #"{"image_processor_type": "\#(name)ImageProcessor"\#(text)}"#)
    #expect(found.model.preprocessing == nil)
    #expect(found.model.preprocessingRefusal == reason)
  }

  /// `…Pil`, `…Fast`, and the class that chooses a class.
  @Test(arguments: ["BlipImageProcessorPil", "BlipImageProcessorFast", "BlipFeatureExtractor"])
  func readsEverySpelling(name: String) throws {
    let found = try read(
      #"{"model_type": "vit", "image_size": 384}"#,
      processor: #"{"image_processor_type": "\#(name)"}"#)
    #expect(found.model.preprocessing?.mean == Preprocessing.clip.0)
    #expect(found.model.preprocessing?.resizeHeight == 384)
    let chosen = try read(
      #"{"model_type": "vit"}"#, processor: #"{"image_processor_type": "AutoImageProcessor"}"#)
    #expect(chosen.model.preprocessing?.filter == .bilinear)
  }

  @Test(arguments: [
    (#"{"size": "x"}"#, "'size' is the string \"x\", expected an integer, two, or an object"),
    (
      #"{"size": {"height": 3}}"#,
      "'size' is an object, expected 'shortest_edge', 'longest_edge', 'height' and 'width', or "
        + "'max_height' and 'max_width'"
    ),
    (#"{"size": 0}"#, "'size' is 0, expected 1 to 16384"),
    (#"{"resample": 9}"#, "'resample' is 9, expected one of PIL's codes 0 to 5"),
    (#"{"image_mean": [1]}"#, "'image_mean' has 1 numbers, expected 3"),
    (
      #"{"image_std": [1, 0, 1]}"#,
      "'image_std' or 'rescale_factor' is zero, or too small or large for 32-bit floats"
    ),
    (
      #"{"image_std": 1e-320}"#,
      "'image_std' or 'rescale_factor' is zero, or too small or large for 32-bit floats"
    ),
    (
      #"{"image_std": [1, 1, 1e308]}"#,
      "'image_std' or 'rescale_factor' is zero, or too small or large for 32-bit floats"
    ),
    (#"{"resample": "cubic"}"#, "unknown 'resample' 'cubic'"),
    (
      #"{"do_center_crop": true, "crop_size": "x"}"#,
      "'crop_size' is the string \"x\", expected an integer, two, or 'height' and 'width'"
    ),
  ])
  func refusesProcessors(text: String, message: String) throws {
    let error = try diagnostic { try read(#"{"model_type": "vit"}"#, processor: text) }
    #expect(error.message == message)
  }

  /// What has no float, or one without digits.
  @Test(arguments: ["1e-320", "1e308", "-1e308", "1e-60", "4.9e-324"])
  func refusesDeviations(deviation: String) throws {
    let error = try diagnostic {
      try read(#"{"model_type": "vit"}"#, processor: "{\"image_std\": [0.5, \(deviation), 0.5]}")
    }
    #expect(error.message.contains("too small or large for 32-bit floats"))
    let timm = try diagnostic {
      try read(
        #"{"architecture": "vit_tiny_patch16_224", "pretrained_cfg": {"std": [1, "#
          + "\(deviation), 1]}}"
      )
    }
    #expect(timm.message == "'std' is too small or too large for 32-bit floats")
  }

  /// The stored names of every family are those of the golden checkpoints, which transformers
  /// wrote; here, the parts that only some have.
  @Test func namesTensors() throws {
    let model = DINOv2(try transformer(#"{"model_type": "dinov2", "use_swiglu_ffn": true}"#))
    let naming = TransformersNaming(prefix: "dinov2.")
    for (canonical, stored) in [
      ("blocks.3.attn.q.weight", "dinov2.encoder.layer.3.attention.attention.query.weight"),
      ("blocks.3.mlp.fc1.bias", "dinov2.encoder.layer.3.mlp.weights_in.bias"),
      ("blocks.10.ls2.gamma", "dinov2.encoder.layer.10.layer_scale2.lambda1"),
      ("head.weight", "classifier.weight"), ("norm.bias", "dinov2.layernorm.bias"),
    ] {
      let tensor = TensorSpecification(name: canonical, shape: [1])
      #expect(naming.place(tensor, model.storedNames)?.name == stored)
    }
  }
}
