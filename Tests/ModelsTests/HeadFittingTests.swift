import Diagnostics
import Foundation
import Testing

@testable import Models

/// A head that is in a checkpoint of transformers is found, whatever the configuration says.
@Suite struct HeadFittingTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let vit = """
    "model_type": "vit", "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 6, "image_size": 8, "patch_size": 4
    """

  /// Writes a folder whose checkpoint is that of a ViT with a head of so many classes.
  private func load(
    _ config: String, classes: Int, pooler: Bool = false, _ options: ModelOptions = ModelOptions()
  ) throws -> Model {
    try folder.write("config.json", "{\(Self.vit), \"num_labels\": \(max(1, classes))}")
    var model = try #require(try ModelFolder(path: folder.url.path).model as? ViT)
    model.classes = classes
    let naming = TransformersNaming(prefix: classes > 0 ? "vit." : "")
    let list = try model.tensors(fusedQKV: false, outputs: pooler ? [.pooler] : []).map { tensor in
      RawTensor(
        try #require(naming.place(tensor, model.storedNames)).name, tensor.type.shape,
        Array(repeating: 0.5, count: tensor.type.count))
    }
    try folder.write("model.safetensors", safetensors(list))
    try folder.write("config.json", "{\(Self.vit)\(config.isEmpty ? "" : ", ")\(config)}")
    return try Model.load(folder.url.path, options: options)
  }

  @Test(arguments: [
    ("", "no architecture"), (#""architectures": null"#, "no architecture"),
    (#""architectures": ["CustomModel"]"#, "architecture 'CustomModel'"),
    (#""architectures": ["ViTModel"]"#, "architecture 'ViTModel'"),
  ])
  func findsTheHead(config: String, called: String) throws {
    let model = try load(config, classes: 3)
    #expect(model.defaultOutputs == [.logits] && model.configuration.classes == 3)
    #expect(
      model.notes.contains(
        "\(called) says nothing of a head, but the checkpoint has 'classifier.weight': compiled "
          + "for image classification; --head none leaves it out"))
    #expect(
      model.warnings.map(\.message) == [
        "there are no labels: classes are called 'class 0' and so on"
      ]
    )
    let bare = try Model.load(folder.url.path, options: ModelOptions(dropsHead: true))
    #expect(bare.defaultOutputs == [.features] && bare.warnings.isEmpty)
  }

  /// Labels alone make no head; an architecture that has one does.
  @Test func believesTheCheckpoint() throws {
    let model = try load(#""id2label": {"0": "a", "1": "b"}"#, classes: 0)
    #expect(model.configuration.classes == 0 && model.defaultOutputs == [.features])
    #expect(model.notes.contains("the checkpoint has no head: features only"))
    let error = try diagnostic {
      try load(#""architectures": ["ViTForImageClassification"]"#, classes: 0)
    }
    #expect(error.hint == "the checkpoint has no head: say --head none")
  }

  @Test(arguments: [
    // As many as there are, of every kind; too few, too many, and for classes that are not there.
    (#"{"0": "a", "1": null, "2": 7}"#, ["a", "class 1", "7"], "has no label for 1 of 3 classes"),
    (#"{"2": "c", "1": 1.5, "0": true}"#, ["true", "1.5", "c"], nil),
    (#"{"0": "a"}"#, ["a", "class 1", "class 2"], "has no label for 2 of 3 classes"),
    (#"{"0": "a", "1": "b", "9": "c"}"#, ["a", "b", "class 2"], "has no label for 1 of 3 classes"),
    (#"{"0": "a", "1": "b", "2": "c", "3": "d"}"#, [], "has 4 labels for 3 classes"),
    ("{}", [], "there are no labels"), ("null", [], "there are no labels"),
  ])
  func labelsEveryClass(table: String, labels: [String], warning: String?) throws {
    let head = #""architectures": ["ViTForImageClassification"]"#
    let model = try load("\(head), \"id2label\": \(table)", classes: 3)
    #expect(model.configuration.classes == 3 && model.configuration.labels == labels)
    #expect(model.warnings.count == (warning == nil ? 0 : 1))
    if let warning { #expect(model.warnings[0].message.contains(warning)) }
  }

  @Test func backboneLeavesTheHeadOut() throws {
    let model = try load(#""architectures": ["ViTBackbone"]"#, classes: 3)
    #expect(model.configuration.classes == 0)
    #expect(
      model.notes.contains(
        "the head 'classifier.weight' is left out: architecture 'ViTBackbone' has none"))
  }

  @Test func offersThePooler() throws {
    let model = try load("", classes: 0, pooler: true)
    #expect(
      model.notes.contains(
        "features are the class token; the checkpoint's 'pooler.dense.weight' makes transformers' "
          + "pooler_output of it, which is the output 'pooler'"))
    let pooler = try Model.load(folder.url.path, options: ModelOptions(outputs: [.pooler]))
    let graph = try pooler.graph(outputs: [.pooler])
    #expect(graph.outputs.map(\.name) == ["pooler"])
    #expect(graph.description.contains("pooler.dense.bias"))
    let none = try diagnostic { try load("", classes: 0, ModelOptions(outputs: [.pooler])) }
    #expect(none.hint?.hasPrefix("the checkpoint has no pooler: transformers' ViTModel") == true)
    let other = try diagnostic {
      try Model.load("R50x1", options: ModelOptions(weights: "seed:1", outputs: [.pooler]))
    }
    #expect(other.message == "'resnetv2_50x1_bit' has no pooler")
  }

  @Test(arguments: [
    ("", 3, ScoreFunction.softmax),
    (#""problem_type": "single_label_classification""#, 3, .softmax),
    (#""problem_type": "multi_label_classification""#, 3, .sigmoid),
    (#""problem_type": "regression""#, 3, .identity), (#""problem_type": null"#, 1, .sigmoid),
    (#""problem_type": "regression""#, 1, .identity),
  ])
  func saysWhatScoresAre(config: String, classes: Int, function: ScoreFunction) throws {
    let model = try load(config, classes: classes)
    #expect(model.configuration.scoreFunction == function)
    let chosen = try Model.load(folder.url.path, options: ModelOptions(scores: .sigmoid))
    #expect(chosen.configuration.scoreFunction == .sigmoid)
    let bare = try Model.load(folder.url.path, options: ModelOptions(dropsHead: true))
    #expect(bare.configuration.scoreFunction == nil)
  }

  @Test func warnsOfUnknownProblems() throws {
    let labels = #""id2label": {"0": "a", "1": "b", "2": "c"}"#
    let model = try load(#""problem_type": "multi_label", \#(labels)"#, classes: 3)
    #expect(model.configuration.scoreFunction == .softmax)
    #expect(
      model.warnings.map(\.message) == [
        "unknown 'problem_type' 'multi_label': scores are as if there were none"
      ])
  }
}
