import Foundation
import IR
import Testing

@testable import Models

/// Configurations of CLIP's image encoders as transformers and OpenCLIP write them; the goldens
/// hold what such folders compute.
@Suite struct CLIPFolderTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(_ config: String, file: String = "config.json") throws -> ModelFolder {
    try folder.write(file, config)
    return try ModelFolder(path: folder.url.path)
  }

  private func transformer(
    _ config: String, file: String = "config.json"
  ) throws -> VisionTransformer {
    try ModelsTests.transformer(read(config, file: file).model)
  }

  /// Sparse configurations take the defaults of transformers' classes.
  @Test func fillsInDefaults() throws {
    let clip = try transformer(#"{"model_type": "clip"}"#)
    #expect(clip.dim == 768 && clip.depth == 12 && clip.heads == 12 && clip.mlpHidden == 3072)
    #expect(clip.patch == 32 && clip.imageHeight == 224 && clip.layerNormEpsilon == 1e-5)
    #expect(clip.activation == .quickGelu && clip.projection == 512 && !clip.projectionHasBias)
    #expect(clip.preNorm && !clip.patchBias && !clip.finalNorm && clip.poolNorm)
    #expect(try transformer(#"{"model_type": "altclip"}"#).projection == 768)
    let owl = try transformer(#"{"model_type": "owlv2"}"#)
    #expect(owl.imageHeight == 768 && owl.patch == 16)
    #expect(try transformer(#"{"model_type": "owlvit"}"#).patch == 32)
  }

  /// The class decides what is made of the pooled token.
  @Test(arguments: [
    ("clip", "CLIPModel", 7, 0), ("clip", "CLIPForImageClassification", 0, 3),
    ("clip_vision_model", "CLIPVisionModel", 0, 0),
    ("clip_vision_model", "CLIPVisionModelWithProjection", 7, 0),
    ("metaclip_2_vision_model", "MetaClip2VisionModelWithProjection", 7, 0),
  ])
  func choosesTheProjection(
    type: String, architecture: String, projection: Int, classes: Int
  ) throws {
    let model = try transformer(
      #"{"model_type": "\#(type)", "architectures": ["\#(architecture)"], "projection_dim": 7, "#
        + #""id2label": {"0": "a", "1": "b", "2": "c"}}"#)
    #expect(model.projection == projection && model.classes == classes)
    #expect(model.pooling == (classes > 0 ? .average : .token))
    #expect(model.poolNorm == (classes == 0))
  }

  /// openai/clip-vit-large-patch14 says the same in both; where they differ, the old one counts.
  @Test func readsOldParts() throws {
    let model = try transformer(
      #"{"model_type": "clip", "vision_config": {"hidden_size": 64, "patch_size": 8}, "#
        + #""vision_config_dict": {"hidden_size": 128, "num_attention_heads": 2}}"#)
    #expect(model.dim == 128 && model.patch == 8 && model.heads == 2)
    let null = try transformer(
      #"{"model_type": "clip", "vision_config": {"hidden_size": 64, "num_attention_heads": 2}, "#
        + #""vision_config_dict": null}"#)
    #expect(null.dim == 64)
  }

  @Test func namesThePart() throws {
    let error = try diagnostic {
      try read(#"{"model_type": "clip", "vision_config": {"hidden_act": "gleu"}}"#)
    }
    #expect(error.message == "unknown 'vision_config.hidden_act' 'gleu'")
    let width = try diagnostic {
      try read(#"{"model_type": "clip", "projection_dim": 99999}"#)
    }
    #expect(
      width.message
        == "model '\(folder.url.lastPathComponent)': width of the projection is 99999, expected 0 "
        + "to 65536")
  }

  /// A folder that says two widths, or another than the file's, has the file's.
  @Test func takesTheWidthOfTheFile() throws {
    let golden = goldens.appendingPathComponent("encoders/clip")
    let config = try String(
      contentsOf: golden.appendingPathComponent("config.json"), encoding: .utf8)
    try folder.write("config.json", config.replacing("\"projection_dim\": 24", with: "\"x\": 1"))
    let model = try Model.load(
      folder.url.path, options: ModelOptions(weights: golden.path + "/model.safetensors"))
    #expect(try ModelsTests.transformer(model.configuration).projection == 24)
    #expect(model.defaultOutputs == [.features])
  }

  /// Under timm's name transformers' projection is the head, without its bias; without a head, the
  /// projection is not read.
  @Test(arguments: [
    "encoders/clip/model.safetensors", "open-clip/quick/open_clip_model.safetensors",
  ])
  func projectionIsTheHeadByName(file: String) throws {
    try folder.write(
      "config.json",
      #"{"architecture": "vit_base_patch16_clip_quickgelu_224", "num_classes": 24, "#
        + #""model_args": {"img_size": 16, "patch_size": 4, "embed_dim": 32, "depth": 2, "#
        + #""num_heads": 2, "mlp_ratio": 1.5}}"#)
    let path = goldens.appendingPathComponent(file).path
    let model = try Model.load(folder.url.path, options: ModelOptions(weights: path))
    let graph = try model.graph(outputs: [.logits])
    let head = try #require(graph.nodes.first { $0.name == "head" })
    #expect(head.operands.count == 2 && head.type == .f32(1, 24))
    #expect(model.configuration.classes == 24)
    let bare = try Model.load(
      folder.url.path, options: ModelOptions(weights: path, dropsHead: true))
    #expect(bare.configuration.classes == 0)
  }

  // MARK: - OpenCLIP

  private func openCLIP(_ vision: String, _ rest: String = "") -> String {
    #"{"model_cfg": {"embed_dim": 512, "vision_cfg": {\#(vision)}\#(rest)}, "#
      + #""preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "#
      + #""interpolation": "bicubic", "resize_mode": "squash"}}"#
  }

  @Test func readsOpenCLIP() throws {
    let found = try read(
      openCLIP(
        #""image_size": 224, "layers": 48, "width": 1664, "head_width": 104, "#
          + #""mlp_ratio": 4.9231, "patch_size": 14"#, #", "quick_gelu": true"#),
      file: OpenCLIPFolder.fileName)
    let model = try ModelsTests.transformer(found.model)
    #expect(model.heads == 16 && model.mlpHidden == 8192 && model.activation == .quickGelu)
    #expect(model.projection == 512 && model.finalNorm && !model.poolNorm && model.preNorm)
    #expect(found.model.preprocessing?.mode == .exact)
    #expect(found.model.preprocessing?.mean == [0.5, 0.5, 0.5])
    #expect(found.naming is OpenCLIPNaming)
  }

  /// Towers of timm's: their own head, a projection, or neither.
  @Test(arguments: [
    (#""timm_proj": "none""#, 0, "", 0), (#""timm_pool": "token""#, 512, "trunk.head", 1),
    (#""timm_proj": "linear""#, 512, "head.proj", 0),
    (#""timm_proj": "linear", "timm_proj_bias": true"#, 512, "head.proj", 1),
  ])
  func readsTowers(keys: String, projection: Int, name: String, biases: Int) throws {
    let pool = keys.contains("timm_pool") ? "" : #""timm_pool": "", "#
    let found = try read(
      openCLIP(#"\#(pool)"timm_model_name": "vit_base_patch16_clip_224", \#(keys)"#),
      file: OpenCLIPFolder.fileName)
    let model = try ModelsTests.transformer(found.model)
    #expect(model.projection == projection && model.classes == 0)
    let stored = try found.model.tensors().compactMap {
      found.naming.place($0, found.model.storedNames)?.name
    }
    #expect(stored.contains("visual.trunk.blocks.11.attn.qkv.bias"))
    let last = stored.filter { !name.isEmpty && $0.hasPrefix("visual.\(name).") }
    #expect(last.count == (projection > 0 ? 1 + biases : 0))
  }

  @Test(arguments: [
    (
      #""attentional_pool": "parallel""#,
      "'model_cfg.vision_cfg.attentional_pool' is the string \"parallel\", which vitc does not "
        + "support"
    ),
    (
      #""norm_kwargs": {"eps": 1e-6}"#,
      "'model_cfg.vision_cfg.norm_kwargs' is an object, which vitc does not support"
    ),
    (#""pool_type": "none""#, "unknown 'model_cfg.vision_cfg.pool_type' 'none'"),
    (#""head_width": 0"#, "'model_cfg.vision_cfg.head_width' is 0, expected 1 or more"),
    (#""mlp_ratio": -1"#, "'model_cfg.vision_cfg.mlp_ratio' is -1.0, expected 0 to 1000"),
    (
      #""timm_model_name": "convnext_base""#,
      "unknown 'model_cfg.vision_cfg.timm_model_name' 'convnext_base'"
    ),
    (
      #""timm_model_name": "vit_base_patch16_224", "timm_pool": "", "timm_proj": "conv""#,
      "'model_cfg.vision_cfg.timm_proj' is 'conv', which vitc does not support"
    ),
  ])
  func refusesOpenCLIP(vision: String, message: String) throws {
    let error = try diagnostic { try read(openCLIP(vision), file: OpenCLIPFolder.fileName) }
    #expect(error.message == message)
  }

  @Test func refusesIncompleteOpenCLIP() throws {
    for (text, message) in [
      ("{}", "'model_cfg' is missing"),
      (#"{"model_cfg": {"vision_cfg": {}}}"#, "'model_cfg.embed_dim' is missing"),
      (#"{"model_cfg": {"embed_dim": 8}}"#, "'model_cfg.vision_cfg' is missing"),
      (
        #"{"model_cfg": {"embed_dim": 8, "vision_cfg": {}}, "preprocess_cfg": {"std": [0, 1, 1]}}"#,
        "'mean' and 'std' have 3 and 3 numbers, expected 3 each, no deviation zero"
      ),
      (
        #"{"model_cfg": {"embed_dim": 8, "vision_cfg": {}}, "#
          + #""preprocess_cfg": {"resize_mode": "x"}}"#,
        "unknown resize_mode 'x' or interpolation 'bicubic'"
      ),
    ] {
      let error = try diagnostic { try read(text, file: OpenCLIPFolder.fileName) }
      #expect(error.message == message)
    }
  }
}
