import Foundation
import Images
import JSON
import Npy
import Testing

@testable import vitc

/// Folders with heads of every kind: what `vitc run` says of a photo is what transformers'
/// image-classification pipeline says.
@Suite struct HeadTests {
  static let folder =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
    + "/Goldens/heads"
  static let index = try? JSONReader.read(
    Array(Data(contentsOf: URL(fileURLWithPath: folder + "/index.json"))))

  /// A folder that the pipeline was asked about.
  struct Case: CustomTestStringConvertible {
    let name: String
    let weights: String
    let config: String
    /// Labels, of which some are null, and scores, the highest first.
    let answer: [(label: JSONValue, score: Double)]
    var testDescription: String { name }
  }

  static let cases: [Case] = (index?["cases"]?.array ?? []).map { entry in
    Case(
      name: entry["name"]?.string ?? "", weights: entry["weights"]?.string ?? "",
      config: entry["config"]?.string ?? "",
      answer: (entry["answer"]?.array ?? []).map { ($0["label"] ?? .null, number($0["score"])) })
  }

  private static func number(_ value: JSONValue?) -> Double {
    switch value {
    case .number(let number): number
    case .integer(let number): Double(number)
    default: .nan
    }
  }

  /// Writes a model folder: its configuration, the goldens' processor, and weights whose tensors
  /// are called otherwise.
  static func write(
    _ weights: String, _ config: String, in folder: Folder,
    renaming: (String) -> String = { $0 }
  ) throws -> String {
    _ = try folder.write(config, to: "config.json")
    _ = try folder.write(
      #require(index?["processor"]?.string), to: "preprocessor_config.json")
    let file = try Data(
      contentsOf: URL(fileURLWithPath: "\(Self.folder)/weights/\(weights).safetensors"))
    let length = (0..<8).reduce(0) { $0 | Int(file[$1]) << (8 * $1) }
    guard case .object(let members) = try JSONReader.read(Array(file[8..<8 + length])) else {
      throw CocoaError(.fileReadCorruptFile)
    }
    let renamed = members.map { ($0 == "__metadata__" ? $0 : renaming($0), $1) }
    let header = JSONValue.object(Dictionary(renamed) { first, _ in first }).text(.compact)
    var output = Data((0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) })
    output.append(contentsOf: header.utf8)
    output.append(file[(8 + length)...])
    try output.write(to: URL(fileURLWithPath: folder("model.safetensors")))
    return folder.path
  }

  /// Compiles a folder and asks for the goldens' photo.
  private static func run(
    _ model: String, in folder: Folder, _ options: [String] = []
  ) throws -> (answer: JSONValue, compiled: Outcome) {
    let library = folder("libhead.so")
    let compiled = try vitc(["compile", model, "-o", library, "--target", "v2"] + options)
    try #require(compiled.code == 0, "\(compiled.errors)")
    let result = try vitc("run", library, Self.folder + "/photo.png", "--json", "--top", "100")
    try #require(result.code == 0, "\(result.errors)")
    return (try #require(try result.json().array?.first), compiled)
  }

  private func check(_ found: JSONValue, _ wanted: Case) throws {
    let function = try #require(found["scores"]?.string)
    let predictions = try #require(found["predictions"]?.array)
    #expect(predictions.count == wanted.answer.count)
    for (prediction, answer) in zip(predictions, wanted.answer) {
      let key = function == "identity" ? "value" : "probability"
      let score = Self.number(prediction[key])
      #expect(abs(score - answer.score) <= 2e-6, "\(prediction) for \(answer)")
      guard case .integer(let index)? = prediction["index"] else {
        Issue.record("no index in \(prediction)")
        continue
      }
      let label = try #require(prediction["label"]?.string)
      switch answer.label {
      case .string(let text)
      where text.hasPrefix("LABEL_") && !wanted.config.contains("id2label"):
        #expect(label == "class \(index)")
      case .string(let text): #expect(label == text)
      case .integer(let number): #expect(label == String(number))
      default: #expect(label == "class \(index)")
      }
    }
  }

  @Test func thereAreCases() { #expect(Self.cases.count >= 20) }

  @Test(arguments: cases) func answersAreThePipelines(_ wanted: Case) throws {
    let folder = try Folder()
    let model = try Self.write(wanted.weights, wanted.config, in: folder)
    try check(try Self.run(model, in: folder).answer, wanted)
  }

  /// What wrappers put before the names, before the body's and the head's alike, or the body's
  /// alone.
  @Test(arguments: [
    ("softmax", "module.", false), ("softmax", "_orig_mod.module.", false),
    ("softmax", "module.model._orig_mod.net.", false), ("softmax", "backbone.", true),
    ("softmax", "model.backbone.", true), ("dinov2-unknown", "model.", false),
    ("bit-unknown", "module.", false), ("timm", "", false), ("timm", "module._orig_mod.", false),
    ("deit-unknown", "net.", false),
  ])
  func wrappersAreTakenOff(name: String, prefix: String, isHeadBeside: Bool) throws {
    let wanted = try #require(Self.cases.first { $0.name == name })
    let folder = try Folder()
    // The wrapper's own prefix of timm's files stays where it is.
    let model = try Self.write(wanted.weights, wanted.config, in: folder) { tensor in
      guard isHeadBeside, tensor.hasPrefix("classifier") else { return prefix + tensor }
      return prefix.split(separator: ".").dropLast().map { "\($0)." }.joined() + tensor
    }
    let (answer, compiled) = try Self.run(model, in: folder)
    try check(answer, wanted)
    let stripped = prefix + (name == "timm" ? "timm_model." : "")
    #expect(compiled.errors.contains("note     names of tensors are read without '\(stripped)'"))
  }

  /// A pattern that matches nothing is a mistake; what it matches is treated as absent.
  @Test func tensorsCanBeIgnored() throws {
    let wanted = try #require(Self.cases.first { $0.name == "softmax" })
    let folder = try Folder()
    let model = try Self.write(wanted.weights, wanted.config, in: folder) {
      $0.hasSuffix("norm.bias") ? "ema.\($0)" : "module.\($0)"
    }
    let refused = try vitc("compile", model, "-o", folder("x.so"), "--ignore", "emma.*")
    #expect(refused.code == 1)
    #expect(
      refused.errors.contains("--ignore: error: no tensor of the checkpoint matches 'emma.*'"))
    let missing = try vitc("compile", model, "-o", folder("x.so"), "--ignore", "ema.*")
    #expect(missing.code == 1)
    #expect(
      missing.errors.contains("note: missing: 'vit.layernorm.bias' [8]\n"), "\(missing.errors)")
    // By the names that are shown too.
    let headless = try vitc(
      "compile", model, "-o", folder("x.so"), "--ignore", "classifier.*", "--head", "none")
    #expect(headless.errors.contains("extra: 'ema.vit.layernorm.bias' F32[8]"))
  }

  /// `--scores` comes before what the folder says.
  @Test func scoresCanBeChosen() throws {
    let softmax = try #require(Self.cases.first { $0.name == "softmax" })
    let multi = try #require(Self.cases.first { $0.name == "multi-label" })
    let folder = try Folder()
    let model = try Self.write(softmax.weights, softmax.config, in: folder)
    try check(try Self.run(model, in: folder, ["--scores", "sigmoid"]).answer, multi)
  }

  /// C reads it in the header and in the description, which inspect prints.
  @Test(arguments: [("softmax", "softmax"), ("multi-label", "sigmoid"), ("one-value", "identity")])
  func librariesSayWhatScoresAre(name: String, function: String) throws {
    let wanted = try #require(Self.cases.first { $0.name == name })
    let folder = try Folder()
    let model = try Self.write(wanted.weights, wanted.config, in: folder)
    _ = try Self.run(model, in: folder)
    let header = try String(contentsOfFile: folder("head.h"), encoding: .utf8)
    #expect(header.contains("#define HEAD_SCORES \"\(function)\""))
    let report = try vitc("inspect", folder("libhead.so"), "--json").json()
    #expect(report["scores"]?.string == function)
    #expect(report["details"]?["scores"]?.string == function)
  }

  /// What timm calls the head of a CLIP model is its projection: nobody is told of classes.
  @Test func projectionsAreNoClasses() throws {
    let folder = try Folder()
    func config(classes: Int, _ more: String = "") throws {
      _ = try folder.write(
        """
        {"architecture": "vit_xsmall_patch16_clip_224", "num_classes": \(classes)\(more),
         "model_args": {"depth": 1, "embed_dim": 64, "num_heads": 2},
         "pretrained_cfg": {"input_size": [3, 32, 32]}}
        """, to: "config.json")
    }
    let library = folder("libclip.so")
    func compile(_ options: String...) throws -> Outcome {
      try vitc(
        ["compile", folder.path, "--weights", "seed:1", "--target", "v2", "-o", library] + options)
    }
    let photo = Self.folder + "/photo.png"

    try config(classes: 512)
    let compiled = try compile()
    #expect(compiled.code == 0, "\(compiled.errors)")
    #expect(
      compiled.errors.contains("note     logits are the model's projection: an embedding"),
      "\(compiled.errors)")
    let header = try String(contentsOfFile: folder("clip.h"), encoding: .utf8)
    #expect(
      header.contains(
        "/* What makes scores of logits x: none, they are a projection: an embedding, not scores "
          + "of classes. */\n#define CLIP_SCORES \"identity\"\n"))
    let report = try vitc("inspect", library, "--json").json()
    #expect(report["scores"]?.string == "identity")
    #expect(report["details"]?["logits"]?.string == "embedding")
    let refused = try vitc("run", library, photo, "--top", "1")
    #expect(refused.code == 1 && refused.output.isEmpty)
    #expect(
      refused.errors.hasPrefix(
        "\(library): error: its logits are the projection of an image "
          + "encoder, an embedding of 512 numbers"), "\(refused.errors)")
    #expect(refused.errors.contains("hint: without --top and --labels the values are printed;"))
    // They are values, not classes.
    let values = try vitc("run", library, photo)
    #expect(values.code == 0 && values.output.contains("  logits [512]  norm "))
    let json = try vitc("run", library, photo, "--json").json()
    #expect(json.array?[0]["logits"]?.array?.count == 512 && json.array?[0]["predictions"] == nil)

    // What says that they are classes after all.
    #expect(try compile("--scores", "softmax").errors.contains("projection") == false)
    #expect(try vitc("run", library, photo, "--top", "1").output.hasSuffix(" %\n"))
    try config(classes: 510)
    #expect(try compile().errors.contains("projection") == false)
    let names = (0..<512).map { "\"thing \($0)\"" }.joined(separator: ",")
    try config(classes: 512, ", \"label_names\": [\(names)]")
    #expect(try compile().errors.contains("projection") == false)
    #expect(try vitc("run", library, photo, "--top", "1").output.contains(" thing "))
  }

  /// The map of a backbone is in the rows of `tokens` that are patches.
  @Test func backbonesSayWhatTheyCompile() throws {
    let config = try #require(Self.index?["backbone"]?.string)
    let map = try #require(Self.index?["map"]?.array)
    let folder = try Folder()
    let model = try Self.write("backbone", config, in: folder)
    let library = folder("libb.so")
    let compiled = try vitc(
      "compile", model, "-o", library, "--target", "v2", "--outputs", "tokens")
    #expect(
      compiled.errors.contains(
        "note     Dinov2Backbone returns a map [8, 2, 2]: the same numbers are in the output "
          + "'tokens', [4, 8] after 1 tokens that are no patches"), "\(compiled.errors)")
    let loaded = try CompiledModel(library)
    let pixels = try loaded.preprocess(Image(decoding: Self.folder + "/photo.png")).pixels
    let tokens = try loaded.model.makeContext().run(images: pixels, count: 1)
    for (channel, rows) in map.enumerated() {
      for (row, columns) in (rows.array ?? []).enumerated() {
        for (column, value) in (columns.array ?? []).enumerated() {
          let found = tokens[(1 + row * 2 + column) * 8 + channel]
          #expect(abs(Double(found) - Self.number(value)) <= 2e-5)
        }
      }
    }
    for (change, reason) in [
      (#""out_features": ["stem", "stage1"]"#, "it returns stem, stage1, of which vitc computes"),
      (#""apply_layernorm": false"#, "'apply_layernorm' is false"),
    ] {
      let key = change.prefix { $0 != ":" }
      guard case .object(var members) = try JSONValue(parsing: config),
        case .object(let added) = try JSONValue(parsing: "{\(change)}")
      else { return }
      members.merge(added) { _, new in new }
      _ = try folder.write(JSONValue.object(members).text(.compact), to: "config.json")
      let refused = try vitc("compile", model, "-o", folder("x.so"))
      #expect(refused.code == 1)
      #expect(refused.errors.contains("Dinov2Backbone: \(reason)"), "\(key): \(refused.errors)")
    }
  }
}
