import Foundation
import IR
import Testing

@testable import Models

/// Configurations of YOLOS; the goldens hold what such folders compute.
@Suite struct YOLOSFolderTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(_ config: String) throws -> ModelFolder {
    try folder.write("config.json", config)
    return try ModelFolder(path: folder.url.path)
  }

  @Test func fillsInDefaults() throws {
    let found = try read(#"{"model_type": "yolos"}"#)
    let model = try transformer(found.model)
    #expect(model.imageHeight == 512 && model.imageWidth == 864)
    #expect(model.grid == [32, 54] && model.positionGrid == [32, 54])
    #expect(model.suffixTokens == 100 && model.tokens == 1 + 32 * 54 + 100)
    #expect(model.hasMiddlePositions && model.layerNormEpsilon == 1e-12)
    #expect(
      found.model.preprocessingRefusal
        == "vitc does not follow the image processor 'YolosImageProcessor'")
  }

  @Test(arguments: [
    (#""num_detection_tokens": 0"#, "'num_detection_tokens' is 0, expected at least 1"),
    (
      #""image_size": [800, 1333]"#,
      "'image_size' 800x1333 makes 4165 positions between blocks for 4150 patches, "
        + "which transformers does not load either"
    ),
  ])
  func refuses(keys: String, message: String) throws {
    let error = try diagnostic { try read(#"{"model_type": "yolos", \#(keys)}"#) }
    #expect(error.message == message, "\(error.message)")
    #expect(error.location == .file(folder.url.path + "/config.json"))
  }

  /// The hub's smallest: pixels beyond the last whole patch, no positions between blocks.
  @Test func takesImagesOfNoWholePatches() throws {
    let found = try read(
      #"{"model_type": "yolos", "image_size": [800, 1333], "#
        + #""use_mid_position_embeddings": false}"#)
    #expect(try transformer(found.model).grid == [50, 83])
  }

  /// A layer's patches are without the tokens on either side of them.
  @Test func cutsPatchesFromBothSides() throws {
    let path = goldens.appendingPathComponent("encoders/yolos").path
    let model = try Model.load(path, options: ModelOptions())
    let graph = try model.graph(
      outputs: ModelOutput.list("layers:0,layers:0:prefix,attention:class"))
    let shapes = Dictionary(
      uniqueKeysWithValues: graph.outputs.map { ($0.name, graph[$0.value].type.shape) })
    #expect(shapes.values.contains([24, 32]) && shapes.values.contains([30, 32]), "\(shapes)")
    #expect(shapes["attention_class"] == [2, 24], "\(shapes)")
    let error = try diagnostic { try model.graph(outputs: ModelOutput.list("distance")) }
    #expect(
      error.message.hasSuffix(
        "has tokens after its patches, which the distances would count as patches"))
  }
}
