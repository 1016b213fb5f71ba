import Diagnostics
import Foundation
import Npy
import Testing

@testable import Models

/// Archives under the names of Google's JAX code: what is taken from them, and what is refused.
@Suite struct NpzCheckpointTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func golden(_ name: String) -> String {
    goldens.appendingPathComponent("npz/\(name)").path
  }

  /// Writes the arrays of a golden archive as `edit` leaves them; the file's path.
  private func write(
    _ name: String = "2020", edit: (inout [(name: String, array: NpyArray)]) -> Void = { _ in }
  ) throws -> String {
    let archive = try NpzArchive(path: golden(name) + "/weights.npz")
    var arrays = try archive.names.map { (name: $0, array: try archive.read($0)) }
    edit(&arrays)
    let path = folder.url.appendingPathComponent("w.npz").path
    try NpzArchive.write(path, arrays)
    return path
  }

  private func load(_ path: String, _ options: ModelOptions = ModelOptions()) throws -> Model {
    var options = options
    options.weights = path
    return try Model.load(golden("2020"), options: options)
  }

  /// The archive with the first `old` in the header of an array replaced by as many bytes.
  private func patched(_ array: String, _ old: String, _ new: String) throws -> String {
    let path = try write()
    var data = try Data(contentsOf: URL(fileURLWithPath: path))
    let name = try #require(data.range(of: Data("\(array).npy".utf8)))
    let place = try #require(data.range(of: Data(old.utf8), in: name.upperBound..<data.count))
    data.replaceSubrange(place, with: Data(new.utf8))
    return try folder.write("patched.npz", data)
  }

  @Test func takesWhatTheFileSays() throws {
    let archive = try NpzCheckpoint(path: golden("2020") + "/weights.npz")
    #expect(archive.type(of: "head/kernel") == StoredType(.f32, [16, 5]))
    #expect(archive.type(of: "absent") == nil)
    let missing = try diagnostic { try archive.read("head/kernle") }
    #expect(missing.message == "the checkpoint has no such tensor")
    let model = try load(golden("augreg") + "/weights.npz")
    let configuration = try transformer(model.configuration)
    #expect(configuration.numerics == .jax && configuration.activation == .geluTanh)
    #expect(configuration.imageHeight == 24 && configuration.preLogits == 0)
    #expect(
      model.notes == [
        "the checkpoint has the names of Google's JAX code: read as such, with its numerics",
        "images are 24x24, as the checkpoint's positions say; the model's own are 16x16",
      ])
    let other = try load(golden("dump") + "/weights.npz", ModelOptions(imageSize: (20, 20)))
    #expect(other.configuration.classes == 3)
    #expect(
      other.notes.last == "the checkpoint has 3 classes; the model's own has 5")
    #expect(try transformer(load(write()).configuration).preLogits == 16)
    let features = try load(write(), ModelOptions(dropsHead: true))
    #expect(try features.graph(outputs: [.features]).description.contains("\"pre_logits/kernel\""))
  }

  /// Parts of one tensor for all blocks, transposed, are the rows of the blocks' own.
  @Test func cutsStackedTensors() throws {
    let path = golden("two-towers")
    let model = try Model.load(path, options: ModelOptions(weights: path + "/weights.npz"))
    let whole = try NpzArchive(path: path + "/weights.npz").read(
      "params/img/Transformer/encoderblock/MlpBlock_0/Dense_0/kernel")
    let name = "params/img/Transformer/encoderblock/MlpBlock_0/Dense_0/kernel[1]"
    #expect(model.checkpoint.type(of: name) == StoredType(.bf16, [24, 16]))
    let part = try model.checkpoint.read(name)
    for row in 0..<24 {
      for column in 0..<16 {
        #expect(
          part.values[row * 16 + column] == whole.values[16 * 24 + column * 24 + row])
      }
    }
    #expect(model.configuration.classes == 0 && model.defaultOutputs == [.features])
  }

  /// What the file's model pools by attention, so does this one; where its family leaves that out,
  /// it is told, and refused where logits would be wrong.
  @Test func tellsOfAttentionPooling() throws {
    let path = golden("two-towers")
    let weights = path + "/weights.npz"
    let model = try Model.load(path, options: ModelOptions(weights: weights))
    let pooling = "the file's model pools by attention ('MAPHead_0'), this one does not"
    #expect(model.warnings.isEmpty)
    #expect(
      model.notes.contains(
        "the file's model pools by attention ('MAPHead_0'), and so does this one"))
    #expect(try transformer(model.configuration).pooling == .attention)
    let config = try String(contentsOfFile: path + "/config.json", encoding: .utf8)
    for (name, pooling) in [
      ("vit_tiny_patch16_224", TokenPooling.attention),
      ("vit_base_patch32_siglip_gap_256", .average),
    ] {
      try folder.write(
        "config.json", config.replacing("vit_base_patch16_gap_224", with: name))
      let model = try Model.load(folder.url.path, options: ModelOptions(weights: weights))
      let found = try transformer(model.configuration)
      #expect(found.pooling == pooling && !found.hasClassToken && found.positionPrefix == 0)
    }
    let gap = try Model.load(folder.url.path, options: ModelOptions(weights: weights))
    #expect(
      gap.warnings == [
        Diagnostic(
          "\(pooling): features are the mean of the tokens instead", severity: .warning,
          at: .file(weights), hint: "name the model without 'gap' for the file's own features")
      ])
    let error = try diagnostic {
      try Model.load(folder.url.path, options: ModelOptions(weights: weights, classes: 7))
    }
    #expect(error.message == "\(pooling), and the file's head reads that")
    #expect(error.hint == "name a model without 'gap', as of 'vitc list''s family siglip")
    #expect(try load(write()).warnings.isEmpty)
    let withHead = try write { arrays in
      let probe = NpyArray(shape: [1, 1, 16], values: Array(repeating: 1, count: 16))
      arrays.append(("MAPHead_0/probe", probe))
    }
    // A pooling that is not whole.
    #expect(try diagnostic { try load(withHead) }.notes.contains { $0.contains("MAPHead_0/") })
    let withoutToken = try diagnostic {
      try load(write { arrays in arrays.removeAll { $0.name == "cls" } })
    }
    #expect(
      withoutToken.hint
        == "the file's model has no class token: name a variant without one, of 'vitc list''s "
        + "families gap and siglip")
  }

  /// A variant by its name gets the JAX code's preprocessing, unless timm's numerics are wanted.
  @Test func preprocessesAsJAX() throws {
    let variant = try Variants.named("ViT-Ti/16").model
    var source = ModelFolder(path: nil, model: variant, naming: TimmNaming())
    let checkpoint = try NpzCheckpoint(path: golden("2020") + "/weights.npz")
    try source.fit(to: checkpoint, ModelOptions(imageSize: (224, 224)))
    #expect(source.model.preprocessing?.mode == .exact)
    #expect(source.model.preprocessing?.filter == .bilinear)
    #expect(source.model.preprocessing?.resizeHeight == 224)
    var timm = ModelFolder(path: nil, model: variant, naming: TimmNaming())
    try timm.fit(to: checkpoint, ModelOptions(imageSize: (224, 224), numerics: .timm))
    #expect(timm.model.preprocessing == variant.preprocessing)
    #expect(try transformer(timm.model).positionResize == .bilinear)
  }

  @Test func warnsOfAHeadOfZeros() throws {
    let path = try write { arrays in
      arrays = arrays.map {
        $0.name == "head/kernel"
          ? ("head/kernel", NpyArray(shape: [16, 5], values: Array(repeating: 0, count: 80))) : $0
      }
    }
    let model = try load(path)
    for name in model.checkpoint.names { _ = try model.checkpoint.read(name) }
    #expect(
      model.checkpoint.warnings == [
        Diagnostic(
          "the head is all zeros: the logits are the same for every image and say nothing",
          severity: .warning, at: .tensor("head/kernel", file: path),
          hint: "the model was published without its head: say --head none for its features")
      ])
  }

  @Test func listsWhatDoesNotFit() throws {
    let path = try write { arrays in
      arrays.removeAll { $0.name == "cls" }
      arrays = arrays.map { array in
        let name = array.name.replacing("encoder_norm/bias", with: "encoder_norm/bais")
        return array.name.hasSuffix("_0/MlpBlock_3/Dense_0/kernel")
          ? (name, NpyArray(shape: [24, 16], values: array.array.values)) : (name, array.array)
      }
    }
    let error = try diagnostic { try load(path) }
    #expect(
      error.message
        == "the checkpoint does not fit model 'vit_tiny_patch16_224': 2 missing, 1 wrong, 1 extra")
    #expect(
      error.notes == [
        "missing: 'cls' [1, 1, 16]",
        "wrong shape: 'Transformer/encoderblock_0/MlpBlock_3/Dense_0/kernel' is [24, 16], "
          + "expected [16, 24]: it is transposed",
        "missing: 'Transformer/encoder_norm/bias' [16], is it 'Transformer/encoder_norm/bais'?",
        "extra: 'Transformer/encoder_norm/bais' F32[16]",
      ])
    let classes = try diagnostic { try load(write(), ModelOptions(classes: 7)) }
    #expect(classes.hint == "the checkpoint's head has 5 classes: say --num-classes 5")
  }

  @Test(arguments: [
    (
      "'<f4'", "'>f4'",
      "the array holds big-endian numbers ('>f4'), expected one of "
        + "'<f2', '<f4', '<f8', '|i1', '|u1', '<i4', '<i8', '|V2'"
    ),
    (
      "'<f4'", "'|O' ",
      "the array holds Python objects ('|O'), expected one of "
        + "'<f2', '<f4', '<f8', '|i1', '|u1', '<i4', '<i8', '|V2'"
    ),
    (
      "'fortran_order': False", "'fortran_order': True ",
      "the array is stored in Fortran order, expected C order"
    ),
    (
      "(16, 5)", "(16,50)",
      "the array is truncated: found 320 bytes of data, expected 3200 bytes for shape (16, 50)"
    ),
  ])
  func refusesArrays(old: String, new: String, message: String) throws {
    let path = try patched("head/kernel", old, new)
    let error = try diagnostic { try load(path) }
    #expect(error.message == message)
    #expect(error.location == .tensor("head/kernel", file: path))
    // Nobody asks for it.
    #expect(try load(path, ModelOptions(dropsHead: true)).configuration.classes == 0)
  }

  @Test func refusesIntegers() throws {
    let path = try patched("head/kernel", "'<f4'", "'<i4'")
    let error = try diagnostic { try load(path) }
    #expect(error.notes == ["wrong type: 'head/kernel' holds I32"])
    let checkpoint = try NpzCheckpoint(path: path)
    #expect(
      try diagnostic { try checkpoint.read("head/kernel") }.message
        == "holds I32, expected F32, F16, BF16 or F64")
  }

  /// The other extents' product overflows.
  @Test func refusesEmptyArrays() throws {
    let path = folder.url.appendingPathComponent("w.npz").path
    let huge = 1 << 40
    try NpzArchive.write(path, [("x", NpyArray(shape: [huge, huge, 0], values: []))])
    let checkpoint = try NpzCheckpoint(path: path)
    #expect(
      try diagnostic { try checkpoint.read("x") }.message
        == "is empty: F32[1099511627776,1099511627776,0]")
    try NpzArchive.write(path, [])
    #expect(
      try diagnostic { try NpzCheckpoint(path: path) }.message == "the archive holds no array")
  }

  /// Whatever byte is changed and wherever the file ends: the model, or one message.
  @Test func noDamageCrashes() throws {
    let path = golden("gap") + "/weights.npz"
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    for index in stride(from: 0, to: whole.count, by: 97) {
      var damaged = whole
      damaged[index] ^= UInt8(truncatingIfNeeded: 0x5A &+ index)
      for data in [damaged, whole.prefix(index)] {
        let file = try folder.write("damaged.npz", data)
        do throws(Diagnostic) {
          let model = try Model.load(golden("gap"), options: ModelOptions(weights: file))
          for name in model.checkpoint.names { _ = try model.checkpoint.read(name) }
        } catch {
          #expect(!error.message.isEmpty && error.location != nil)
        }
      }
    }
  }
}
