import Diagnostics
import Foundation
import Testing

@testable import Models

@Suite struct ModelTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A ViT of one block: 8x8 images, patches of 4, width 4, 2 heads, MLP 6, 3 classes.
  private let timm = """
    {"architecture": "vit_tiny_patch16_224", "num_classes": 3, "global_pool": "token",
     "model_args": {"img_size": 8, "patch_size": 4, "embed_dim": 4, "depth": 1, "num_heads": 2,
       "mlp_ratio": 1.5},
     "label_names": ["n1", "n2", "n3"], "label_descriptions": {"n2": "tench, Tinca tinca"},
     "pretrained_cfg": {"input_size": [3, 8, 8], "interpolation": "bilinear", "crop_pct": 0.8,
       "crop_mode": "squash", "mean": [0.1, 0.2, 0.3], "std": [0.5, 0.25, 1.0],
       "num_classes": 1000}}
    """

  private func tensors(_ model: any ModelConfiguration) throws -> [RawTensor] {
    try model.tensors().map {
      RawTensor($0.name, $0.type.shape, Array(repeating: 0.5, count: $0.type.count))
    }
  }

  /// Writes the folder of `timm`, with the tensors that `edit` leaves.
  private func write(edit: (inout [RawTensor]) -> Void = { _ in }) throws {
    try folder.write("config.json", timm)
    var list = try tensors(ModelFolder(path: folder.url.path).model)
    edit(&list)
    try folder.write("model.safetensors", safetensors(list))
  }

  @Test func loadsTimmFolder() throws {
    try write()
    let model = try Model.load(folder.url.path)
    let configuration = try transformer(model.configuration)
    #expect(model.places.naming is TimmNaming)
    #expect(configuration.name == "vit_tiny_patch16_224")
    #expect(configuration.grid == [2, 2] && configuration.mlpHidden == 6)
    #expect(configuration.labels == ["n1", "tench, Tinca tinca", "n3"])
    #expect(
      configuration.preprocessing
        == .timm(
          height: 8, width: 8, cropFraction: 0.8, mode: .squash, filter: .bilinear,
          mean: [0.1, 0.2, 0.3], deviation: [0.5, 0.25, 1]))
    #expect(configuration.preprocessing?.mode == .exact)
    #expect(configuration.preprocessing?.resizeHeight == 10)
    #expect(configuration.preprocessing?.scale == [2, 4, 1].map { Float(1 / 255.0 * $0) })
    #expect(configuration.preprocessing?.shift == [-0.2, -0.8, -0.3])
    #expect(model.defaultOutputs == [.logits])
    #expect(
      try model.graph(outputs: [.logits, .tokens]).outputs.map(\.name) == ["logits", "tokens"])
  }

  /// Arguments that say what holds anyway, and those that name the class's own layers.
  @Test(arguments: [
    (#""pos_embed": "learn", "proj_bias": true, "attn_layer": "attn", "qk_norm": false"#, 1e-5),
    (#""dynamic_img_pad": true, "dynamic_img_size": true, "device": null"#, 1e-5),
    (#""norm_layer": "layernorm""#, 1e-6), (#""norm_layer": "Layer_Norm", "depth": 1.0"#, 1e-6),
    (#""norm_layer": null"#, 1e-6), (#""norm_layer": "" "#, 1e-6),
  ])
  func readsDefaultsSpelledOut(arguments: String, epsilon: Double) throws {
    try folder.write(
      "config.json",
      #"{"architecture": "vit_base_patch32_clip_224", "model_args": {\#(arguments)}}"#)
    let model = try transformer(ModelFolder(path: folder.url.path).model)
    #expect(model.layerNormEpsilon == epsilon && model.activation == .gelu)
  }

  @Test func takesTheClassesFunction() throws {
    for name in ["null", "\"\"", "\"GELU\""] {
      try folder.write(
        "config.json",
        #"{"architecture": "vit_base_patch32_clip_quickgelu_224", "model_args": {"act_layer": "#
          + "\(name)}}")
      #expect(try transformer(ModelFolder(path: folder.url.path).model).activation == .gelu)
    }
  }

  @Test(arguments: [
    (
      #""pos_embed": "none""#,
      "'model_args.pos_embed' is the string \"none\", which vitc does not support"
    ),
    (#""proj_bias": false"#, "'model_args.proj_bias' is false, which vitc does not support"),
    (
      #""norm_layer": "batchnorm""#,
      "'model_args.norm_layer' is 'batchnorm', which vitc does not support here"
    ),
    (
      #""dynamic_img_pad": true, "img_size": 225"#,
      "'model_args.dynamic_img_pad' pads images of 225x225 to whole patches of 32, which vitc does "
        + "not do"
    ),
  ])
  func refusesWhatIsNoDefault(arguments: String, message: String) throws {
    try folder.write(
      "config.json",
      #"{"architecture": "vit_base_patch32_clip_224", "model_args": {\#(arguments)}}"#)
    #expect(try diagnostic { try ModelFolder(path: folder.url.path) }.message == message)
  }

  @Test func dropsAndReplacesTheHead() throws {
    try write()
    let model = try Model.load(folder.url.path, options: ModelOptions(dropsHead: true))
    #expect(model.configuration.classes == 0 && model.configuration.labels.isEmpty)
    #expect(model.defaultOutputs == [.features])
    let error = try diagnostic { try model.graph(outputs: [.logits]) }
    #expect(error.hint == "ask for 'features' or 'tokens'")

    let seeded = try Model.load(
      folder.url.path, options: ModelOptions(weights: "seed:3", classes: 7))
    #expect(seeded.checkpoint.path == "seed:3")
    #expect(seeded.checkpoint.type(of: "head.weight") == StoredType(.f32, [7, 4]))
    #expect(seeded.configuration.labels.isEmpty)

    let wrong = try diagnostic {
      try Model.load(folder.url.path, options: ModelOptions(classes: 7))
    }
    #expect(wrong.hint == "the checkpoint's head has 3 classes: say --num-classes 3")
    let none = try diagnostic {
      try Model.load(folder.url.path, options: ModelOptions(classes: 0))
    }
    #expect(none.message == "number of classes is 0, expected 1 or more")
  }

  @Test func resizes() throws {
    try write()
    let options = ModelOptions(imageSize: (height: 12, width: 16))
    let configuration = try transformer(
      Model.load(folder.url.path, options: options).configuration)
    #expect(configuration.grid == [3, 4] && configuration.positionGrid == [2, 2])
    #expect(configuration.preprocessing?.resizeHeight == 15)
    #expect(configuration.preprocessing?.resizeWidth == 20)
    // 384 / 0.9 = 426.7, which timm rounds down; 248 * 384 / 224 would be 425.
    let variant = try Variants.named("vit_tiny_patch16_224").configuration
    let large = try variant.resized(height: 384, width: 384).preprocessing
    #expect(large?.mode == .shortestEdge && large?.resizeHeight == 426)
    let wide = try variant.resized(height: 224, width: 384).preprocessing
    #expect(wide?.mode == .cover && wide?.resizeHeight == 248 && wide?.resizeWidth == 426)
    let odd = try diagnostic {
      try Model.load(
        folder.url.path, options: ModelOptions(imageSize: (height: 10, width: 8)))
    }
    #expect(odd.message == "image height 10 is not a multiple of the patch size 4")
    #expect(odd.hint == "8 and 12 are the nearest")
    #expect(odd.location == .argument("--image-size"))
    let tiny = try diagnostic {
      try Model.load(folder.url.path, options: ModelOptions(imageSize: (height: 8, width: 0)))
    }
    #expect(tiny.message == "image width 0 is out of range; patch size is 4")
  }

  /// timm resizes whatever square position table it finds.
  @Test func takesPositionsOfAnotherGrid() throws {
    try write { list in
      list = list.map {
        $0.name == "pos_embed"
          ? RawTensor("pos_embed", [1, 10, 4], Array(repeating: 1, count: 40)) : $0
      }
    }
    #expect(try transformer(Model.load(folder.url.path).configuration).positionGrid == [3, 3])
  }

  @Test func listsEveryTensorThatDoesNotFit() throws {
    try write { list in
      list.removeAll { $0.name == "cls_token" }
      list = list.map { tensor in
        switch tensor.name {
        case "norm.weight": RawTensor("nrom.weight", tensor.dtype, tensor.shape, tensor.bytes)
        case "head.bias": RawTensor("head.bias", [5], [1, 2, 3, 4, 5])
        case "norm.bias": RawTensor("norm.bias", "I32", tensor.shape, tensor.bytes)
        default: tensor
        }
      }
      list.append(RawTensor("mask_token", [1, 4], [1, 2, 3, 4]))
      list.append(RawTensor("surplus", [1], [1]))
    }
    let error = try diagnostic { try Model.load(folder.url.path) }
    #expect(
      error.message
        == "the checkpoint does not fit model 'vit_tiny_patch16_224': 2 missing, 2 wrong, 2 extra")
    #expect(
      error.notes == [
        "missing: 'cls_token' [1, 1, 4]", "missing: 'norm.weight' [4], is it 'nrom.weight'?",
        "wrong type: 'norm.bias' holds I32", "wrong shape: 'head.bias' is [5], expected [3]",
        "extra: 'nrom.weight' F32[4]", "extra: 'surplus' F32[1]",
      ])
    #expect(error.location == .file(folder.url.path + "/model.safetensors"))
  }

  @Test func hintsAtTheHead() throws {
    try write { $0.removeAll { $0.name.hasPrefix("head") } }
    #expect(
      try diagnostic { try Model.load(folder.url.path) }.hint
        == "the checkpoint has no head: say --head none")
  }

  /// What a head's weight is, where it is not the matrix that is expected.
  @Test(arguments: [
    (
      [4, 5], "the head is transposed, [inputs, classes]: save its weight as weight.T.contiguous()"
    ),
    (
      [5, 4, 1, 1],
      "the head is a convolution of one pixel, expected a linear layer: save its weight as "
        + "weight.flatten(1)"
    ),
    ([5, 4], "the checkpoint's head has 5 classes: say --num-classes 5"),
  ])
  func explainsHeads(shape: [Int], hint: String) throws {
    try write { list in
      list = list.map { tensor in
        switch tensor.name {
        case "head.weight": RawTensor("head.weight", shape, Array(repeating: 1, count: 20))
        case "head.bias": RawTensor("head.bias", [5], Array(repeating: 1, count: 5))
        default: tensor
        }
      }
    }
    #expect(try diagnostic { try Model.load(folder.url.path) }.hint == hint)
  }

  @Test func cutsLongLists() throws {
    try write { list in
      for index in 0..<500 { list.append(RawTensor("extra.\(index)", [1], [1])) }
    }
    let error = try diagnostic { try Model.load(folder.url.path) }
    #expect(error.notes.count == 21 && error.notes.last == "and 480 more")
    #expect(error.hint == "--ignore PATTERN leaves out tensors that inference does not need")
    let options = ModelOptions(ignoredTensors: ["extra.?", "extra.*[0-9]"])
    let model = try Model.load(folder.url.path, options: options)
    #expect(
      model.notes == [
        "--ignore leaves out 500 of the tensors"
      ])
  }

  @Test func ignoresWhatTrainingLeft() throws {
    try write { list in
      list = list.map { RawTensor("module.\($0.name)", $0.dtype, $0.shape, $0.bytes) }
      list.append(RawTensor("n_averaged", [], [7]))
      list.append(RawTensor("module.empty", [0, 4], []))
    }
    #expect(
      try Model.load(folder.url.path).notes == [
        "names of tensors are read without 'module.'",
        "ignored what training left: 'empty', 'n_averaged'",
      ])
  }

  /// A head that the folder does not want is there all the same.
  @Test func tellsOfAHeadThatIsLeftOut() throws {
    try write()
    try folder.write(
      "config.json", timm.replacing("\"num_classes\": 3", with: "\"num_classes\": 0"))
    let model = try Model.load(folder.url.path)
    #expect(model.configuration.classes == 0)
    #expect(
      model.notes == [
        "the checkpoint's head of 3 classes is left out, as the model has none: --num-classes 3 "
          + "reads it"
      ])
    #expect(try Model.load(folder.url.path, options: ModelOptions(dropsHead: true)).notes.isEmpty)
  }

  /// timm's labels of another length are another head's.
  @Test func doesNotUseLabelsOfAnotherHead() throws {
    try write()
    try folder.write(
      "config.json",
      timm.replacing(#"["n1", "n2", "n3"]"#, with: #"["n1", "n2", "n3", "n4"]"#))
    let model = try Model.load(folder.url.path)
    #expect(model.configuration.labels.isEmpty)
    #expect(
      model.warnings.map(\.message) == [
        "'label_names' has 4 labels for 3 classes, so they are another head's: classes are called "
          + "'class 0' and so on"
      ])
  }

  @Test func warnsOfNaN() throws {
    try write { list in
      list = list.map {
        $0.name == "head.bias" ? RawTensor("head.bias", [3], [1, .nan, 2]) : $0
      }
    }
    let model = try Model.load(folder.url.path)
    _ = try model.checkpoint.read("head.bias")
    #expect(model.checkpoint.warnings.map(\.message) == ["1 of 3 values are NaN or infinite"])
  }

  @Test func loadsByName() throws {
    let model = try Model.load("ViT-Ti/16", options: ModelOptions(weights: "seed:1"))
    #expect(model.configuration.name == "vit_tiny_patch16_224")
    #expect(model.checkpoint.names.count == 152)
    let none = try diagnostic { try Model.load("ViT-Ti/16") }
    #expect(none.message == "no weights for 'ViT-Ti/16'")
    let seed = try diagnostic {
      try Model.load("ViT-Ti/16", options: ModelOptions(weights: "seed:x"))
    }
    #expect(seed.message == "invalid seed 'seed:x'")
  }

  @Test func refusesWhatIsNoModel() throws {
    #expect(
      try diagnostic { try Model.load("./absent") }
        == Diagnostic("no such folder", at: .file("./absent")))
    let file = try folder.write("x.safetensors", safetensors([]))
    #expect(
      try diagnostic { try Model.load(file) }.message
        == "is a file; MODEL is a variant's name or a folder")
    #expect(
      try diagnostic { try Model.load(folder.url.path) }.message
        == "the folder has no config.json")
    try folder.write("config.json", "{}")
    #expect(
      try diagnostic { try Model.load(folder.url.path) }.message
        == "neither 'model_type' (transformers) nor 'architecture' (timm) is present")
    try folder.write("config.json", "[]")
    #expect(
      try diagnostic { try Model.load(folder.url.path) }.message
        == "not valid JSON: expected an object")
    try folder.write("config.json", "{\"model_type\": \"vit\"}")
    #expect(
      try diagnostic { try Model.load(folder.url.path) }.message
        == "the folder has neither model.safetensors nor pytorch_model.bin, nor an index of either")
  }

  /// A file of transformers' names given to a model of timm's is read as such.
  @Test func readsTransformersNames() throws {
    try folder.write(
      "config.json",
      """
      {"architecture": "vit_tiny_patch16_224", "num_classes": 9,
       "model_args": {"img_size": 16, "patch_size": 4, "embed_dim": 36, "depth": 2,
         "num_heads": 3, "mlp_ratio": 2.2222222223},
       "pretrained_cfg": {"input_size": [3, 16, 16]}}
      """)
    for name in ["vit", "vit-bare-f16"] {
      let file = goldens.appendingPathComponent("hf/\(name)/model.safetensors").path
      let model = try Model.load(folder.url.path, options: ModelOptions(weights: file))
      let own = try Model.load(goldens.appendingPathComponent("hf/\(name)").path)
      #expect(AnyHashable(model.places.naming) == AnyHashable(own.places.naming))
      let configuration = try transformer(model.configuration)
      #expect(configuration.layerNormEpsilon == 1e-12)
      #expect(configuration.positionResize == .bicubic)
      #expect(model.configuration.classes == (name == "vit" ? 5 : 0))
      #expect(
        try model.graph(outputs: [.features]).description.split(separator: "\n").dropFirst()
          == own.graph(outputs: [.features]).description.split(separator: "\n").dropFirst())
      #expect(
        model.notes.first
          == "the checkpoint has transformers' names: read as such, with its numerics")
    }
    let wrong = try diagnostic {
      let path = goldens.appendingPathComponent("hf/vit/model.safetensors").path
      return try Model.load("ViT-Ti/16", options: ModelOptions(weights: path))
    }
    #expect(wrong.message.hasPrefix("the checkpoint does not fit model 'vit_tiny_patch16_224': "))
    #expect(wrong.notes.contains { $0.hasPrefix("wrong shape: 'vit.embeddings.cls_token' is ") })
  }

  @Test func followsAConvention() throws {
    func load(_ name: String, _ numerics: NumericsConvention?) throws -> VisionTransformer {
      let options = ModelOptions(weights: "seed:1", numerics: numerics)
      return try transformer(Model.load(name, options: options).configuration)
    }
    let jax = try load("ViT-Ti/16", .jax)
    #expect(jax.activation == .geluTanh && jax.layerNormEpsilon == 1e-6)
    #expect(jax.positionResize == .bilinearCorners)
    #expect(jax.numericsSummary == "jax: gelu_tanh, layer norm epsilon 1e-06")
    let face = try load("ViT-Ti/16", .huggingFace)
    #expect(face.activation == .gelu && face.layerNormEpsilon == 1e-12)
    let larger = try face.resized(height: 256, width: 224)
    #expect(
      larger.numericsSummary == "hf: gelu, layer norm epsilon 1e-12, positions resized bicubic")
    #expect(try load("ViT-Ti/16", .timm) == load("ViT-Ti/16", nil))
    // What a variant has of its own stays under its own convention, and where all agree.
    #expect(try load("SigLIP-B/32-gap-256", .timm).activation == .geluTanh)
    #expect(try load("SigLIP-B/32-gap-256", .huggingFace).activation == .geluTanh)
    #expect(try load("SigLIP-B/16-224", .timm).activation == .gelu)
    #expect(try load("SigLIP-B/16-224", .huggingFace).activation == .geluTanh)
    let clip = try load("vit_base_patch32_clip_quickgelu_224", .huggingFace)
    #expect(clip.activation == .quickGelu && clip.layerNormEpsilon == 1e-5)
    let dino = try load("vit_giant_patch14_reg4_dinov2", .huggingFace)
    #expect(dino.activation == .silu && dino.layerNormEpsilon == 1e-6)
    #expect(dino.positionResize == .bicubicAntialiased)
  }

  @Test(arguments: [
    ("visual.transformer.resblocks.0.ln_1.weight", "these look like OpenCLIP's names, but"),
    (
      "vision_model.encoder.layers.0.layer_norm1.weight",
      "these look like the names of transformers'"
    ),
    ("encoder.layer.0.x", "these look like transformers' names of a model that"),
    ("model.blocks.0.norm1.weight", "these look like timm's names under a prefix"),
    (
      "params/Transformer/encoderblock_0/LayerNorm_0/scale",
      "these look like the names of Google's"
    ),
  ])
  func hintsAtTheFamily(name: String, hint: String) throws {
    let file = try folder.write("x.safetensors", safetensors([RawTensor(name, [1], [1])]))
    let error = try diagnostic {
      try Model.load("ViT-Ti/16", options: ModelOptions(weights: file))
    }
    #expect(error.hint?.hasPrefix(hint) == true, "\(error.hint ?? "none")")
  }

  @Test func refusesOtherGates() throws {
    try folder.write(
      "config.json",
      #"{"architecture": "vit_giant_patch14_dinov2", "model_args": {"act_layer": "relu"}}"#)
    let error = try diagnostic { try ModelFolder(path: folder.url.path) }
    #expect(
      error.message
        == "'model_args.act_layer' is 'relu', but a gated MLP is read with 'silu'")
  }

  @Test(arguments: [
    (#""global_pool": "avgmax""#, "unknown 'global_pool' 'avgmax'"),
    (#""embed_dim": "4""#, "'model_args.embed_dim' is the string \"4\", expected an integer"),
    (
      #""reg_tokens": 9223372036854775807"#,
      "'model_args.reg_tokens' is the integer 9223372036854775807, expected an integer between "
        + "-2^31 and 2^31"
    ),
    (
      #""depth": 1}, "pretrained_cfg": {"input_size": [3, 4611686018427387904, 1]"#,
      "'input_size' has the extent 4611686018427387904, expected 1 to 1048576"
    ),
    (#""qk_norm": true"#, "'model_args.qk_norm' is true, which vitc does not support"),
    (#""num_heads": 5"#, "model 'vit_tiny_patch16_224': width 192 does not divide into 5 heads"),
    (#""act_layer": "prelu""#, "unknown 'model_args.act_layer' 'prelu'"),
    (#""patch_size": [4, 8]"#, "'model_args.patch_size' is 4x8, expected a square"),
    (#""depth": 0"#, "model 'vit_tiny_patch16_224': depth is 0, expected 1 to 1024"),
    (
      #""class_token": false"#,
      "model 'vit_tiny_patch16_224': pooling is 'token', but there is no class token"
    ),
    (#""mlp_ratio": -1"#, "'model_args.mlp_ratio' is -1.0, expected 0 to 1000"),
  ])
  func refusesArguments(argument: String, message: String) throws {
    try folder.write(
      "config.json",
      #"{"architecture": "vit_tiny_patch16_224", "model_args": {\#(argument)}}"#)
    let error = try diagnostic { try ModelFolder(path: folder.url.path) }
    #expect(error.message == message)
    #expect(error.location == .file(folder.url.path + "/config.json"))
  }

  @Test func refusesUnknownArchitectures() throws {
    try folder.write("config.json", #"{"architecture": "vit_tny_patch16_224"}"#)
    let error = try diagnostic { try ModelFolder(path: folder.url.path) }
    #expect(error.message == "unknown architecture 'vit_tny_patch16_224'")
    #expect(error.hint?.contains("'vit_tiny_patch16_224'") == true)
  }
}
