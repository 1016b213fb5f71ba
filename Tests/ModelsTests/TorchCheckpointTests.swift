import Diagnostics
import Foundation
import Testing

@testable import Models

/// PyTorch files: what torch itself wrote, and what nobody should have.
@Suite struct TorchCheckpointTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Fixtures/torch")

  private func fixture(_ name: String) -> String {
    Self.fixtures.appendingPathComponent(name).path
  }

  /// `NAME.npz` holds what torch reads.
  @Test(arguments: [
    "plain", "protocol5", "no_checksums", "deflated", "training", "averaged", "nested", "single",
    "buffers", "arrays5",
  ])
  func readsWhatTorchReads(name: String) throws {
    let checkpoint = try CheckpointFile.open(path: fixture("\(name).pth"))
    let expected = try NpzCheckpoint(path: fixture("\(name).pth.npz"))
    for tensor in expected.names {
      let shape = try #require(expected.type(of: tensor)?.shape)
      #expect(checkpoint.type(of: tensor)?.shape == shape, "\(tensor)")
      #expect(checkpoint.fault(of: tensor) == nil)
      let read = try checkpoint.read(tensor)
      #expect(read.shape == shape)
      // The reader of archives refuses empty arrays.
      let values = shape.contains(0) ? [] : try expected.read(tensor).values
      #expect(read.values == values, "\(tensor)")
    }
    let floats = checkpoint.names.filter { checkpoint.type(of: $0)?.element.isReadable ?? false }
    #expect(floats == expected.names)
  }

  @Test(arguments: [
    ("plain", []), ("training", ["the tensors are those under 'model'"]),
    (
      "averaged",
      ["the tensors are those under 'state_dict_ema', not those under 'state_dict'"]
    ),
    ("nested", ["the tensors are those under 'model'"]),
    ("single", ["the tensors are those under 'encoder'"]),
    ("buffers", ["left out what is not a tensor: 'version'"]),
  ])
  func saysWhatItTook(name: String, notes: [String]) throws {
    #expect(try CheckpointFile.open(path: fixture("\(name).pth")).notes == notes)
  }

  @Test func namesTypesThatAreNotRead() throws {
    let checkpoint = try TorchCheckpoint(path: fixture("plain.pth"))
    let types = ["i64": "I64[3]", "u8": "U8[3]", "flag": "BOOL[1]", "u16": "U16[3]"]
    for (name, type) in types {
      #expect(checkpoint.type(of: name)?.description == type)
      let error = try diagnostic { try checkpoint.read(name) }
      let element = type.prefix { $0 != "[" }
      #expect(error.message == "holds \(element), expected F32, F16, BF16 or F64")
      #expect(error.location == .tensor(name, file: checkpoint.path))
    }
    let wide = try #require(checkpoint.fault(of: "wide"))
    #expect(wide.message == "holds complex128, expected F32, F16, BF16 or F64")
    #expect(try diagnostic { try checkpoint.read("wide") } == wide)
    #expect(try diagnostic { try checkpoint.read("scaler") }.hint == "did you mean 'scalar'?")
    let sparse = try TorchCheckpoint(path: fixture("sparse.pth"))
    #expect(try sparse.read("w").values == [1, 1])
    #expect(sparse.fault(of: "s")?.message == "is a sparse tensor, expected a plain one")
  }

  private static let reads = "vitc reads safetensors, PyTorch's zip archives and Google's .npz"

  @Test(arguments: [
    (
      "hostile.pth",
      "the pickle is refused: it names 'posix.system', which is not on the list of "
        + "what tensors need", "if you trust the file, save its tensors alone "
    ),
    (
      "module.pth",
      "the pickle is refused: it names 'torch.nn.modules.linear.Linear', which is not "
        + "on the list of what tensors need", "if you trust the file, save its tensors alone "
    ),
    (
      "legacy.pth", "is a PyTorch file of the form before version 1.6; \(reads)",
      "save it again as a zip archive: python3 -c "
    ),
    (
      "legacy3.pth", "is a PyTorch file of the form before version 1.6; \(reads)",
      "save it again as a zip archive: python3 -c "
    ),
    (
      "legacy4.pth", "is a PyTorch file of the form before version 1.6; \(reads)",
      "if you trust the file, save its tensors alone "
    ),
    (
      "legacy5.pth", "is a PyTorch file of the form before version 1.6; \(reads)",
      "if you trust the file, save its tensors alone "
    ),
    (
      "program.pt", "is a TorchScript program, expected tensors alone; \(reads)",
      "save its weights alone: python3 -c "
    ),
    (
      "several.pth",
      "the PyTorch file holds several dictionaries of tensors: 'decoder', 'encoder'; "
        + "expected one, or one under a usual key such as 'state_dict'", "save a dictionary "
    ),
    ("empty.pth", "the PyTorch file holds no tensor that has a name", "save a dictionary "),
    (
      "list.pth", "the PyTorch file holds a list of 1, expected a dictionary of tensors",
      "save a dictionary "
    ),
  ])
  func refusesFiles(name: String, message: String, hint: String) throws {
    let error = try diagnostic { try CheckpointFile.open(path: fixture(name)) }
    #expect(error.message == message)
    #expect(error.location == .file(fixture(name)))
    #expect(error.hint?.hasPrefix(hint) == true, "\(error)")
  }

  @Test func quotesPathsOfCommands() {
    #expect(TorchCommand.rewriting("a/b-1.pth").hasSuffix(#"os.replace(f + '.new', f)" a/b-1.pth"#))
    #expect(TorchCommand.rewriting("it's $x").hasSuffix(#" 'it'\''s $x'"#))
    #expect(TorchCommand.rewriting("-x").hasSuffix(" '-x'"))
    #expect(TorchCommand.weights(ofProgram: "m.pt").hasSuffix(" m.pt m.weights.pth"))
  }

  @Test(arguments: ["pytorch_model.bin", "open_clip_pytorch_model.bin"])
  func opensFoldersWithOneFile(name: String) throws {
    let data = try Data(contentsOf: Self.fixtures.appendingPathComponent("single.pth"))
    try folder.write(name, data)
    try folder.write("training_args.bin", "x")
    #expect(try CheckpointFile.open(path: folder.url.path).read("w").values == [2, 3, 4, 5])
    // Safetensors go first.
    try folder.write("model.safetensors", safetensors([RawTensor("a", [1], [1])]))
    #expect(try CheckpointFile.open(path: folder.url.path).names == ["a"])
  }

  /// The digits' folder with its weights as torch.save writes them, under a key.
  @Test func loadsAModelWhoseFolderHasPytorchModelAlone() throws {
    let source = goldens.appendingPathComponent("../../examples/digits/model").standardizedFileURL
    let original = try Safetensors(path: source.path + "/model.safetensors")
    var records: [(name: String, bytes: [UInt8])] = []
    var pickle = PickleWriter()
    pickle.op("}")
    pickle.text("model")
    pickle.op("}")
    for (index, name) in original.names.enumerated() {
      let tensor = try original.read(name)
      records.append(("a/data/\(index)", tensor.values.flatMap { littleEndian($0.bitPattern) }))
      pickle.text(name)
      let strides = tensor.shape.indices.map { tensor.shape[($0 + 1)...].reduce(1, *) }
      pickle.tensor("\(index)", count: tensor.values.count, shape: tensor.shape, strides: strides)
      pickle.op("s")
    }
    pickle.op("s")
    try folder.write(
      "pytorch_model.bin", zipArchive([("a/data.pkl", pickle.finished)] + records))
    try folder.write(
      "config.json", try Data(contentsOf: source.appendingPathComponent("config.json")))
    let model = try Model.load(folder.url.path)
    #expect(model.notes.contains("the tensors are those under 'model'"))
    let expected = try Model.load(source.path)
    #expect(model.checkpoint.names == expected.checkpoint.names)
    for name in expected.checkpoint.names {
      #expect(try model.checkpoint.read(name) == expected.checkpoint.read(name), "\(name)")
    }
  }

  @Test func readsShards() throws {
    try folder.write(
      "pytorch_model-1.bin", torchFile(PickleWriter.file { $0.tensor(shape: [2], strides: [1]) }))
    let legacy = try Data(contentsOf: Self.fixtures.appendingPathComponent("legacy.pth"))
    try folder.write("pytorch_model-2.bin", legacy)
    try folder.write("pytorch_model-3.bin", safetensors([RawTensor("a", [1], [7])]))
    func index(_ map: String) throws {
      try folder.write("pytorch_model.bin.index.json", #"{"weight_map": {\#(map)}}"#)
    }
    try index(#""w": "pytorch_model-1.bin", "a": "pytorch_model-3.bin""#)
    let checkpoint = try CheckpointFile.open(path: folder.url.path)
    #expect(checkpoint.names == ["a", "w"])
    #expect(try checkpoint.read("w").values == [1, 2])
    #expect(try checkpoint.read("a").values == [7])
    try index(#""w": "pytorch_model-2.bin""#)
    let error = try diagnostic { try CheckpointFile.open(path: folder.url.path) }
    #expect(error.message.hasPrefix("is a PyTorch file of the form before version 1.6"))
    #expect(
      error.notes == ["'\(folder.url.path)/pytorch_model.bin.index.json' places tensors in it"])
  }

  /// A view, and what is wrong with it.
  @Test(arguments: [
    (4, 0, [5], [1], "ends at element 4, but its storage '0' has 4"),
    (4, 1, [2, 2], [2, 1], "ends at element 4, but its storage '0' has 4"),
    (
      5, 0, [5], [1],
      "its storage has 5 elements of float32, but the record 'a/data/0' has 16 bytes"
    ),
    (Int.max, 0, [5], [1], "but the record 'a/data/0' has 16 bytes"),
    (4, -1, [1], [1], "expected 0 or more"),
    (4, 0, [-1], [1], "expected 0 or more"),
    (4, 3, [2], [-1], "expected 0 or more"),
    (4, 0, [2, 2], [1], "has 2 extents and 1 strides, expected as many, at most 64"),
    (4, 0, Array(repeating: 1, count: 65), Array(repeating: 1, count: 65), "at most 64"),
    (4, 0, [Int.max, Int.max], [0, 0], "overflows"),
    (4, Int.max, [2], [1], "overflows"),
    (4, 0, [3], [Int.max], "overflows"),
    (4, 0, [1 << 13, 1 << 12], [0, 0], "shows 33554432 elements of a storage of 4"),
  ])
  func refusesViews(
    _ count: Int, _ offset: Int, _ shape: [Int], _ strides: [Int], _ message: String
  ) throws {
    let path = try folder.write(
      "w.pth",
      torchFile(
        PickleWriter.file {
          $0.tensor(count: count, offset: offset, shape: shape, strides: strides)
        }))
    let checkpoint = try TorchCheckpoint(path: path)
    #expect(checkpoint.type(of: "w") == nil)
    let fault = try #require(checkpoint.fault(of: "w"))
    #expect(fault.message.contains(message), "\(fault)")
    #expect(fault.location == .tensor("w", file: path))
  }

  @Test func refusesArchives() throws {
    let good = PickleWriter.file { $0.tensor(shape: [4], strides: [1]) }
    func refusal(_ data: Data) throws -> Diagnostic {
      let path = try folder.write("w.pth", data)
      return try diagnostic {
        let checkpoint = try CheckpointFile.open(path: path)
        if let fault = checkpoint.fault(of: "w") { throw fault }
        _ = try checkpoint.read("w")
      }
    }
    let order = try refusal(torchFile(good, [("a/byteorder", Array("big".utf8))]))
    #expect(order.message == "the numbers' byte order is 'big', expected 'little'")
    let twice = try refusal(torchFile(good, [("a/data/0", [1])]))
    #expect(twice.message == "the archive is damaged: it has two entries 'a/data/0'")
    let pickles = try refusal(torchFile(good, [("b/data.pkl", good)]))
    #expect(pickles.message.hasPrefix("the archive has 2 records 'NAME/data.pkl', expected one"))
    let absent = try refusal(zipArchive([("a/data.pkl", good)]))
    #expect(absent.message == "its storage '0' is not in the archive")
    var flipped = torchFile(good)
    let number = try #require(flipped.firstRange(of: Data([0, 0, 0x80, 0x3F])))
    flipped[number.lowerBound] ^= 1
    #expect(
      try refusal(flipped).message
        == "the archive is damaged: the checksum of the storage '0' is wrong")
    #expect(
      try refusal(torchFile(good).dropLast(30)).message
        == "the archive is truncated: the directory at its end is missing")
  }

  /// No cut and no change of a byte may crash the reader.
  @Test func survivesDamage() throws {
    for name in ["plain.pth", "training.pth", "deflated.pth"] {
      let good = try Data(contentsOf: Self.fixtures.appendingPathComponent(name))
      for index in stride(from: 0, to: good.count, by: 5) {
        var bad = good
        bad[index] ^= UInt8(truncatingIfNeeded: 0x5A &+ index)
        let path = try folder.write("bad.pth", index % 3 == 0 ? good.prefix(index) : bad)
        guard let checkpoint = try? TorchCheckpoint(path: path) else { continue }
        for tensor in checkpoint.names { _ = try? checkpoint.read(tensor) }
      }
    }
  }
}
