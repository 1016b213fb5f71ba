import Diagnostics
import Evaluation
import Foundation
import IR
import Npy
import Testing

@testable import Models

/// Text towers of tiny folders as transformers and OpenCLIP write them, by the reference semantics,
/// against what these compute in float64 (`Scripts/goldens/text_folders.py`).
@Suite struct TextTowerTests {
  private struct Index: Decodable {
    struct Entry: Decodable {
      var name: String
      var length: Int
      var width: Int
    }
    var models: [Entry]
  }

  private static let entries: [Index.Entry] = {
    let file = goldens.appendingPathComponent("text/index.json")
    guard let data = try? Data(contentsOf: file) else { return [] }
    return (try? JSONDecoder().decode(Index.self, from: data).models) ?? []
  }()
  static let names = entries.map(\.name)

  private static func folder(_ name: String) -> String {
    goldens.appendingPathComponent("text/\(name)").path
  }

  private static func golden(_ name: String) throws -> NpzArchive {
    try NpzArchive(path: folder(name) + "/golden.npz")
  }

  /// The results for one text, in double precision.
  private static func results(
    _ model: Model, _ ids: [Float], _ outputs: [ModelOutput] = [.features]
  ) throws -> [String: DenseTensor<Double>] {
    let graph = try model.graph(outputs: outputs)
    let evaluator = Evaluator(graph) { (name) throws(Diagnostic) in
      try model.checkpoint.read(name)
    }
    let tensor = Tensor(shape: [ids.count], values: ids).rounded(to: .i32)
    return try evaluator.results(["ids": DenseTensor<Double>(widening: tensor)])
  }

  /// max |y - y0| / rms(y0).
  private static func error(_ found: [Double], _ wanted: ArraySlice<Float>) -> Double {
    guard found.count == wanted.count else { return .infinity }
    let square = wanted.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(wanted.count)
    let worst = zip(found, wanted).map { abs($0 - Double($1)) }.max() ?? .infinity
    return worst.isFinite ? worst / square.squareRoot() : .infinity
  }

  @Test func thereAreGoldens() { #expect(Self.entries.count >= 11) }

  @Test(arguments: names) func `vectors and tokens are Python's`(_ name: String) throws {
    let entry = try #require(Self.entries.first { $0.name == name })
    let model = try Model.loadText(Self.folder(name))
    let text = try #require(model.text)
    #expect(text.length == entry.length && model.warnings.isEmpty)
    let archive = try Self.golden(name)
    let (ids, features) = (try archive.read("ids"), try archive.read("features"))
    let tokens = try archive.read("tokens")
    for row in 0..<ids.shape[0] {
      let one = Array(ids.values[row * entry.length..<(row + 1) * entry.length])
      let found = try Self.results(model, one, [.features, .tokens])
      for (output, golden) in [("features", features), ("tokens", tokens)] {
        let result = try #require(found[output])
        let count = golden.shape.dropFirst().reduce(1, *)
        #expect(result.shape == Array(golden.shape.dropFirst()))
        let error = Self.error(result.values, golden.values[row * count..<(row + 1) * count])
        // transformers computes RMS norms in single precision.
        #expect(error <= 2e-6, "\(output) of text \(row)")
      }
    }
  }

  /// Normalized, multiplied by the scale, with the bias added.
  @Test(arguments: names) func `logits are Python's`(_ name: String) throws {
    let model = try Model.loadText(Self.folder(name))
    let comparison = try #require(model.comparison)
    let archive = try Self.golden(name)
    func rows(_ array: NpyArray) -> [[Double]] {
      let width = array.shape[1]
      return (0..<array.shape[0]).map { row in
        let values = array.values[row * width..<(row + 1) * width].map { Double($0) }
        let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return values.map { $0 / length }
      }
    }
    let (images, texts) = (rows(try archive.read("images")), rows(try archive.read("features")))
    let logits = try archive.read("logits")
    let found = images.flatMap { image in
      texts.map { text in
        comparison.scale * zip(image, text).reduce(0) { $0 + $1.0 * $1.1 } + comparison.bias
      }
    }
    #expect(Self.error(found, logits.values[...]) <= 2e-5)
    let isSigmoid = name.contains("siglip")
    #expect(comparison.scores == (isSigmoid ? .sigmoid : .softmax))
    #expect((comparison.bias != 0) == isSigmoid)
  }

  /// What follows end-of-text has no influence: a tower for fewer tokens gives the same vector.
  @Test(arguments: names) func `causal towers may be cut after the end`(_ name: String) throws {
    let model = try Model.loadText(Self.folder(name))
    let text = try #require(model.text)
    guard text.mayBeCut else {
      #expect(throws: Diagnostic.self) {
        try Model.loadText(Self.folder(name), length: text.length - 1)
      }
      return
    }
    let archive = try Self.golden(name)
    let (ids, features) = (try archive.read("ids"), try archive.read("features"))
    // The first text is one token and its end.
    let cut = try Model.loadText(Self.folder(name), length: 2)
    #expect(cut.notes.contains { $0.hasPrefix("texts of 2 tokens of \(text.length)") })
    let found = try #require(Self.results(cut, Array(ids.values[..<2]))["features"])
    #expect(Self.error(found.values, features.values[..<features.shape[1]]) <= 2e-6)
  }

  @Test func `lengths without positions are refused`() throws {
    for length in [0, -1, 10] {
      let error = #expect(throws: Diagnostic.self) {
        try Model.loadText(Self.folder("metaclip2"), length: length)
      }
      #expect(
        error?.message == "length is \(length), the text tower has positions for 1 to 9")
    }
  }

  /// Of a causal tower too, where all of a text's places are read.
  @Test func `what would change vectors is refused`() throws {
    let error = #expect(throws: Diagnostic.self) {
      try Model.loadText(Self.folder("siglip"), length: 8)
    }
    #expect(
      error?.message
        == "length is 8, but texts of 'siglip' have 64 tokens: all of them, filled up, have a say "
        + "in the vector")
  }

  @Test func `outputs that a text tower has not are refused`() throws {
    let model = try Model.loadText(Self.folder("clip"))
    for output in [ModelOutput.logits, .pooler] {
      #expect(throws: Diagnostic.self) { try model.graph(outputs: [output]) }
    }
    #expect(model.defaultOutputs == [.features])
  }

  /// Pseudo-random weights under the graph's own names.
  @Test func `weights may be made up`() throws {
    let model = try Model.loadText(Self.folder("aimv2"), weights: "seed:1")
    let ids = try Self.golden("aimv2").read("ids").values[..<40]
    let found = try #require(Self.results(model, Array(ids))["features"])
    #expect(found.shape == [24] && found.values.allSatisfy(\.isFinite))
    #expect(model.comparison == nil)
  }

  @Test(
    arguments: [
      ("encoders/altclip", "the text tower of 'altclip' is XLM-RoBERTa, which vitc does not have"),
      (
        "encoders/chinese-clip",
        "the text tower of 'chinese_clip' is BERT, which vitc does not have"
      ),
      ("encoders/beit", "model_type 'beit' has no text tower that vitc knows"),
      ("timm/beit", "a folder of timm has an image encoder alone, there is no text tower"),
    ])
  func `folders without a known text tower are refused`(
    _ folder: String, _ message: String
  ) throws {
    let path = goldens.appendingPathComponent(folder).path
    let error = #expect(throws: Diagnostic.self) { try Model.loadText(path) }
    #expect(error?.message == message)
  }

  /// OpenCLIP's configurations with one change each.
  @Test(
    arguments: [
      ("\"hf_model_name\": \"roberta-base\"", "the text tower is transformers' 'roberta-base'"),
      ("\"embed_cls\": true", "'model_cfg.text_cfg.embed_cls' is true"),
      ("\"qk_norm\": true", "'model_cfg.text_cfg.qk_norm' is true"),
      ("\"block_type\": \"custom\"", "'model_cfg.text_cfg.block_type' is 'custom'"),
      ("\"pool_type\": \"mean\"", "unknown 'model_cfg.text_cfg.pool_type' 'mean'"),
      ("\"proj_type\": \"mlp\"", "unknown 'model_cfg.text_cfg.proj_type' 'mlp'"),
      ("\"act_kwargs\": {\"inplace\": true}", "'model_cfg.text_cfg.act_kwargs.inplace' is there"),
      ("\"norm_kwargs\": {\"bias\": true}", "'model_cfg.text_cfg.norm_kwargs.bias' is there"),
      (
        "\"act_kwargs\": {\"approximate\": \"tanh\"}",
        "'model_cfg.text_cfg.act_kwargs.approximate' is 'tanh', which vitc does not support with "
          + "'quick_gelu'"
      ),
    ])
  func `what OpenCLIP's own tower has not is refused`(
    _ change: String, _ message: String
  ) throws {
    let folder = try TemporaryFolder()
    let source = try String(
      contentsOfFile: Self.folder("open-clip-quick") + "/open_clip_config.json", encoding: .utf8)
    try folder.write(
      "open_clip_config.json",
      source.replacingOccurrences(
        of: "\"context_length\": 9", with: "\"context_length\": 9, \(change)"))
    let error = #expect(throws: Diagnostic.self) { try Model.loadText(folder.url.path) }
    #expect(error?.message.hasPrefix(message) == true)
  }

  @Test func `CoCa's text tower is refused`() throws {
    let folder = try TemporaryFolder()
    let source = try String(
      contentsOfFile: Self.folder("open-clip-quick") + "/open_clip_config.json", encoding: .utf8)
    try folder.write(
      "open_clip_config.json",
      source.replacingOccurrences(
        of: "\"embed_dim\": 24", with: "\"embed_dim\": 24, \"multimodal_cfg\": {\"width\": 8}"))
    let error = #expect(throws: Diagnostic.self) { try Model.loadText(folder.url.path) }
    #expect(
      error?.message
        == "'model_cfg.multimodal_cfg' is there: the text tower is CoCa's, which vitc does not have"
    )
  }

  /// An image encoder alone, under the configuration of two towers.
  @Test func `a checkpoint without the tower is refused`() throws {
    let folder = try TemporaryFolder()
    let config = try Data(
      contentsOf: URL(fileURLWithPath: Self.folder("clip") + "/config.json"))
    try folder.write("config.json", config)
    let weights = goldens.appendingPathComponent("encoders/clip-bare/model.safetensors").path
    let error = #expect(throws: Diagnostic.self) {
      try Model.loadText(folder.url.path, weights: weights)
    }
    #expect(error?.hint == "the checkpoint has no text tower: it is an image encoder alone")
  }
}
