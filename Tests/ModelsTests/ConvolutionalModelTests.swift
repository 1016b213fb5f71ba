import Foundation
import IR
import Testing

@testable import Models

/// ResNets and hybrids: what folders say of them, and checkpoints that do not fit.
@Suite struct ConvolutionalModelTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(_ config: String) throws -> any Family {
    try folder.write("config.json", config)
    return try ModelFolder(path: folder.url.path).model
  }

  /// Copies a golden's folder, with the tensors that `edit` leaves.
  private func copy(_ golden: String, edit: (inout [RawTensor]) -> Void) throws {
    let source = goldens.appendingPathComponent(golden)
    for name in ["config.json", "preprocessor_config.json"] {
      let file = source.appendingPathComponent(name)
      if let data = try? Data(contentsOf: file) { try folder.write(name, data) }
    }
    let checkpoint = try CheckpointFile.open(path: source.path)
    var tensors = try checkpoint.names.map { name in
      let tensor = try checkpoint.read(name)
      return RawTensor(name, tensor.shape, tensor.values)
    }
    edit(&tensors)
    try folder.write("model.safetensors", safetensors(tensors))
  }

  @Test func fillsInDefaults() throws {
    let bit = try #require(try read(#"{"model_type": "bit"}"#) as? BigTransfer)
    #expect(bit.backbone == ResNetBackbone(.preActivation, border: .fixed, depths: [3, 4, 6, 3]))
    #expect(bit.imageHeight == 224 && bit.classes == 0 && bit.numerics == .huggingFace)
    #expect(bit.preprocessing?.mean == [0.5, 0.5, 0.5] && bit.preprocessing?.filter == .bilinear)
    #expect(bit.preprocessing?.resizeHeight == 256)

    let hybrid = try transformer(try read(#"{"model_type": "vit-hybrid"}"#))
    #expect(hybrid.backbone == ResNetBackbone(.postActivation, border: .same, depths: [3, 4, 9]))
    #expect(hybrid.patch == 1 && hybrid.grid == [14, 14] && hybrid.layerNormEpsilon == 1e-12)
    #expect(hybrid.positionGrid == [14, 14] && hybrid.dim == 768)

    // google/vit-hybrid-base-bit-384, and google/bit-50, whose size its processor says.
    try folder.write(
      "preprocessor_config.json",
      #"{"image_processor_type": "BitImageProcessor", "crop_size": {"height": 448, "width": 448}, "#
        + #""size": {"shortest_edge": 448}, "resample": 2, "image_mean": [0.5, 0.5, 0.5], "#
        + #""image_std": [0.5, 0.5, 0.5]}"#)
    let large = try read(#"{"model_type": "bit"}"#)
    #expect(large.imageHeight == 448 && large.imageWidth == 448)
    #expect(large.preprocessing?.resizeHeight == 448 && large.preprocessing?.filter == .bilinear)
    try folder.write(
      "preprocessor_config.json", #"{"image_processor_type": "ViTHybridImageProcessor"}"#)
    let clip = try read(#"{"model_type": "vit-hybrid", "image_size": 384}"#)
    #expect(clip.imageHeight == 384 && clip.preprocessing?.mean == Preprocessing.clip.0)
    #expect(clip.preprocessing?.mode == .shortestEdge && clip.preprocessing?.filter == .bicubic)
  }

  @Test(arguments: [
    (
      #""layer_type": "basic""#, "'layer_type' is 'basic', expected 'preactivation' or 'bottleneck'"
    ),
    (#""hidden_act": "gelu""#, "'hidden_act' is 'gelu', expected 'relu'"),
    (
      #""global_padding": "SAME""#,
      "'global_padding' is 'same', expected none in a preactivation model"
    ),
    (
      #""embedding_dynamic_padding": true"#,
      "'embedding_dynamic_padding' is true, expected false in a preactivation model"
    ),
    (
      #""layer_type": "bottleneck""#,
      "'global_padding' is absent, expected 'same' in a bottleneck model"
    ),
    (
      #""layer_type": "bottleneck", "global_padding": "same""#,
      "'embedding_dynamic_padding' is false, expected true in a bottleneck model"
    ),
    (#""width_factor": 2"#, "'width_factor' is 2, expected 1"),
    (
      #""output_stride": 16"#,
      "'output_stride' is 16, expected at least the 32 that the stages reach"
    ),
    (#""depths": [1, 2, 3, 4, 5]"#, "5 depths of stages, but 4 widths"),
    (#""depths": [1, 0]"#, "depth of a stage is 0, expected 1 to 1024"),
    (#""depths": 3"#, "'depths' is the integer 3, expected an array of integers"),
    (
      #""depths": [1], "hidden_sizes": [36]"#, "width 36 of a stage is not a multiple of 8"
    ),
    (#""embedding_size": 0"#, "width of a stage is 0, expected 1 to 65536"),
    (#""num_groups": 48"#, "64 channels do not divide into 48 groups"),
    (#""num_groups": 0"#, "number of groups is 0, expected 1 to 1024"),
  ])
  func refusesConfigurations(text: String, message: String) throws {
    let error = try diagnostic { try read(#"{"model_type": "bit", \#(text)}"#) }
    #expect(error.message == message)
    #expect(error.location == .file(folder.url.path + "/config.json"))
  }

  @Test(arguments: [
    (
      #""backbone": "resnet50""#,
      "'backbone' is the string \"resnet50\", which vitc does not support"
    ),
    (
      #""backbone_config": {"model_type": "resnet"}"#,
      "'backbone_config.model_type' is 'resnet', expected 'bit'"
    ),
    (
      #""backbone_config": {"model_type": "bit"}"#,
      "'backbone_config.layer_type' is 'preactivation', expected 'bottleneck'"
    ),
    (
      #""backbone_config": {"layer_type": "bottleneck", "global_padding": "same", "#
        + #""embedding_dynamic_padding": true, "out_features": ["stage2"]}"#,
      "'backbone_config.out_features' is an array of 1, expected the last stage, 'stage4'"
    ),
    (
      #""backbone_config": {"num_groups": 7}"#,
      "'backbone_config': 64 channels do not divide into 7 groups"
    ),
  ])
  func refusesHybrids(text: String, message: String) throws {
    let error = try diagnostic { try read(#"{"model_type": "vit-hybrid", \#(text)}"#) }
    #expect(error.message == message)
  }

  @Test(arguments: [
    (
      #""width_factor": 2"#,
      "'model_args.width_factor' is the integer 2, which vitc does not support"
    ),
    (#""global_pool": "max""#, "unknown 'global_pool' 'max'"),
    (#""stem_chs": -64"#, "'model_args.stem_chs' is -64, expected 1 to 65536"),
    (
      #""channels": [256, 512]"#, "model 'resnetv2_50x1_bit': 4 depths of stages, but 2 widths"
    ),
  ])
  func refusesArguments(text: String, message: String) throws {
    let error = try diagnostic {
      try read(#"{"architecture": "resnetv2_50x1_bit", "model_args": {\#(text)}}"#)
    }
    #expect(error.message == message)
  }

  @Test(arguments: [
    ("hf/bit", "bit.encoder.stages.0.layers.1.conv2.weight", [8, 8, 3, 3], "bit.norm.bias", [64]),
    (
      "hf/bit-bottleneck", "bit.encoder.stages.0.layers.0.downsample.norm.weight", [32],
      "bit.embedder.norm.bias", [16]
    ),
    (
      "hf/vit-hybrid",
      "vit.embeddings.patch_embeddings.backbone.bit.embedder.convolution.weight", [16, 3, 7, 7],
      "vit.embeddings.patch_embeddings.projection.bias", [36]
    ),
    (
      "timm/hybrid", "patch_embed.backbone.conv.weight", [64, 3, 7, 7],
      "patch_embed.backbone.norm.bias", [64]
    ),
    ("timm/bit", "stages.3.blocks.2.conv3.weight", [128, 32, 1, 1], "norm.bias", [128]),
  ])
  func listsEveryTensorThatDoesNotFit(
    golden: String, missing: String, shape: [Int], wrong: String, expected: [Int]
  ) throws {
    try copy(golden) { list in
      list.removeAll { $0.name == missing }
      list = list.map { $0.name == wrong ? RawTensor(wrong, [1], [0]) : $0 }
      list.append(RawTensor("surplus", [1], [1]))
    }
    let error = try diagnostic { try Model.load(folder.url.path) }
    #expect(error.message.hasSuffix(": 1 missing, 1 wrong, 1 extra"))
    #expect(
      Set(error.notes) == [
        "missing: '\(missing)' \(shape)", "wrong shape: '\(wrong)' is [1], expected \(expected)",
        "extra: 'surplus' F32[1]",
      ])
  }

  @Test(arguments: ["hf/bit", "timm/bit"])
  func fitsTheHead(golden: String) throws {
    try copy(golden) { _ in }
    let path = folder.url.path
    #expect(try Model.load(path, options: ModelOptions(dropsHead: true)).configuration.classes == 0)
    let other = try diagnostic { try Model.load(path, options: ModelOptions(classes: 7)) }
    #expect(other.hint == "the checkpoint's head has 5 classes: say --num-classes 5")
    try copy(golden) { $0.removeAll { $0.name.hasPrefix("head") || $0.name.hasPrefix("class") } }
    let none = try diagnostic { try Model.load(path) }
    #expect(none.hint == "the checkpoint has no head: say --head none")
  }

  @Test(arguments: [
    ("hf/bit", "bit."), ("hf/bit-bare-f16", ""), ("hf/vit-hybrid", "vit."), ("timm/bit", nil),
    ("timm/hybrid", nil),
  ])
  func recognizesNames(golden: String, prefix: String?) throws {
    let path = goldens.appendingPathComponent(golden).path
    let found = try #require(
      Families.naming(of: try CheckpointFile.open(path: path).names) as (any Naming)?)
    #expect((found as? TransformersNaming)?.prefix == prefix)
    #expect(prefix != nil || found is TimmNaming)
    #expect(AnyHashable(try Model.load(path).places.naming) == AnyHashable(found))
  }

  @Test func followsAConvention() throws {
    func load(_ name: String, _ numerics: NumericsConvention) throws -> any ModelConfiguration {
      try Model.load(
        name, options: ModelOptions(weights: "seed:1", numerics: numerics)
      ).configuration
    }
    #expect(
      try load("R50x1", .jax).numericsSummary
        == "jax: filters over sqrt(variance + 1e-10), group norm epsilon 1e-05")
    #expect(
      try load("R50x1", .huggingFace).numericsSummary
        == "hf: filters over sqrt(variance + 1e-08), group norm epsilon 1e-05")
    #expect(
      try load("R26+S/32", .jax).numericsSummary
        == "jax: gelu_tanh, layer norm epsilon 1e-06, filters over (deviation + 1e-05), "
        + "group norm epsilon 1e-06")
    var there = Hybrid(try transformer(load("R26+S/32", .jax)))
    there.follow(.timm)
    #expect(there.model == (try transformer(load("R26+S/32", .timm))))
  }

  @Test func takesAnySize() throws {
    let hybrid = Hybrid(try transformer(Variants.named("R26+S/32").configuration))
    let odd = try hybrid.resized(height: 100, width: 33)
    #expect(odd.model.grid == [4, 2] && odd.model.positionGrid == [7, 7])
    let graph = try odd.graph(outputs: [.tokens])
    #expect(graph[graph.outputs[0].value].type == .f32(9, 384))
    let patches = try Variants.named("R+Ti/16").configuration
    let uneven = try diagnostic { try patches.resized(height: 230, width: 224) }
    #expect(uneven.message == "image height 230 is not a multiple of the patch size 32")
    #expect(uneven.hint == "224 and 256 are the nearest")
    let tiny = try diagnostic { try patches.resized(height: 224, width: 28) }
    #expect(tiny.message == "image width 28 is out of range; patch size is 32")
    #expect(try transformer(patches.resized(height: 221, width: 29)).grid == [7, 1])

    let bit = try Variants.named("R50x1").configuration
    let small = try bit.resized(height: 1, width: 65)
    let outputs: [ModelOutput] = [.tokens, .features, .logits]
    let pixels = try small.graph(outputs: outputs)
    #expect(
      pixels.outputs.map { pixels[$0.value].type } == [.f32(3, 2048), .f32(2048), .f32(1000)])
    let none = try diagnostic { try bit.resized(height: 0, width: 224) }
    #expect(none.message == "image height 0 is out of range")
    var headless = bit
    headless.classes = 0
    let logits = try diagnostic { try headless.graph(outputs: [.logits]) }
    #expect(logits.message == "'resnetv2_50x1_bit' has no head, so there are no logits")
  }

  /// Google's table of SAME: even sides of 7, 3 and 1 pixels at stride 2, and what odd ones change.
  @Test func widensAsTensorFlowDoes() {
    func padding(_ extent: Int, _ size: Int, _ stride: Int) -> [Int] {
      let all = Padding.same(height: extent, width: extent, size: size, stride: stride)
      return [all.top, all.bottom]
    }
    #expect(padding(224, 7, 2) == [2, 3] && padding(225, 7, 2) == [3, 3])
    #expect(padding(112, 3, 2) == [0, 1] && padding(113, 3, 2) == [1, 1])
    #expect(padding(56, 3, 1) == [1, 1] && padding(57, 1, 2) == [0, 0])
    #expect(padding(56, 1, 2) == [0, 0] && padding(1, 7, 2) == [3, 3])
  }
}
