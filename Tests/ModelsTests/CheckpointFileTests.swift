import Foundation
import IR
import Testing

@testable import Models

@Suite struct CheckpointFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func writeShards() throws {
    try folder.write("model-00001-of-00002.safetensors", safetensors([RawTensor("a", [1], [1])]))
    try folder.write("model-00002-of-00002.safetensors", safetensors([RawTensor("b", [1], [2])]))
  }

  private func index(_ map: String) -> String {
    #"{"metadata": {"total_size": 8}, "weight_map": {\#(map)}}"#
  }

  @Test func readsShards() throws {
    try writeShards()
    try folder.write(
      "model.safetensors.index.json",
      index(
        #""a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors""#))
    let checkpoint = try CheckpointFile.open(path: folder.url.path)
    #expect(checkpoint.names == ["a", "b"])
    #expect(checkpoint.type(of: "b") == StoredType(.f32, [1]))
    #expect(checkpoint.type(of: "c") == nil)
    #expect(try checkpoint.read("b").values == [2])
    #expect(try diagnostic { try checkpoint.read("c") }.message.contains("no such tensor"))
  }

  @Test(arguments: [
    (#""a": "model-00009.safetensors""#, "cannot open the file: no such file or directory"),
    (
      #""c": "model-00001-of-00002.safetensors""#,
      "the index places it in 'model-00001-of-00002.safetensors', which does not hold it"
    ),
    (
      #""a": "../x.safetensors""#,
      "'weight_map' has '../x.safetensors', expected the name of a file beside the index"
    ),
    (#""a": "..""#, "'weight_map' has '..', expected the name of a file beside the index"),
    (#""a": 3"#, "'weight_map' has the integer 3, expected a file name"),
    ("", "'weight_map' names no tensor"),
  ])
  func refusesIndexes(map: String, message: String) throws {
    try writeShards()
    let path = try folder.write("model.safetensors.index.json", index(map))
    #expect(try diagnostic { try CheckpointFile.open(path: path) }.message == message)
  }

  @Test func refusesIndexWithoutMap() throws {
    let path = try folder.write("i.json", "{\"weights_map\": {}}")
    let error = try diagnostic { try CheckpointFile.open(path: path) }
    #expect(error.message == "'weight_map' is missing")
    #expect(error.hint == "did you mean 'weights_map'?")
    let broken = try folder.write("j.json", "{\n \"a\": 01}")
    let syntax = try diagnostic { try CheckpointFile.open(path: broken) }
    #expect(syntax.message == "not valid JSON: a number with a leading zero")
    #expect(syntax.location == .text(file: broken, line: 2, column: 7))
  }

  /// By the first bytes, and where these say nothing, by the name.
  @Test(arguments: [
    ("w.bin", "x", "is named as a PyTorch file, but begins as none"),
    ("w.pth", "x", "is named as a PyTorch file, but begins as none"),
    ("w.weights", "\u{2}", "is a pickle that torch.save did not write"),
    ("w.npy", "x", "is a single NumPy array"),
    ("w.h5", "x", "is an HDF5 file (Keras)"),
    ("w.msgpack", "x", "is a msgpack file (Flax)"),
    ("w.onnx", "x", "is an ONNX model"),
    ("w.weights", "GGUF....", "is a GGUF file (llama.cpp)"),
    ("w.weights", "....TFL3", "is a TensorFlow Lite model"),
    (
      "w.zip", "PK\u{5}\u{6}" + String(repeating: "\0", count: 18),
      "is a zip archive without arrays"
    ),
  ])
  func refusesOtherFormats(name: String, start: String, message: String) throws {
    var data = Data(start.utf8)
    if start == "\u{2}" { data.insert(0x80, at: 0) }
    let path = try folder.write(name, data)
    let error = try diagnostic { try CheckpointFile.open(path: path) }
    #expect(
      error.message == message
        + "; vitc reads safetensors, PyTorch's zip archives and Google's .npz")
    #expect(error.location == .file(path))
  }

  @Test func readsSafetensorsOfAnyName() throws {
    let path = try folder.write("w.bin", safetensors([RawTensor("a", [1], [1])]))
    #expect(try CheckpointFile.open(path: path).names == ["a"])
  }

  @Test func namesTheFilesOfAFolder() throws {
    let path = try folder.write("w.pth", "x")
    let one = try diagnostic { try CheckpointFile.open(path: folder.url.path) }
    #expect(
      one.message
        == "the folder has neither model.safetensors nor pytorch_model.bin, nor an index of either")
    #expect(one.notes == ["it holds w.pth"])
    #expect(one.hint == "name the weights with --weights \(path)")
    try folder.write("w.npz", "x")
    let both = try diagnostic { try CheckpointFile.open(path: folder.url.path) }
    #expect(both.notes == ["it holds w.npz, w.pth"])
    #expect(both.hint == "name the weights with --weights FILE or --weights seed:N")
  }

  @Test func namesPointersWhateverTheirName() throws {
    let path = try folder.write("pytorch_model.bin", "version https://git-lfs.github.com/spec/v1\n")
    let error = try diagnostic { try CheckpointFile.open(path: path) }
    #expect(error.message == "is a Git LFS pointer, not the weights")
    #expect(error.hint == "run 'git lfs pull'")
  }

  @Test func refusesAbsent() throws {
    #expect(
      try diagnostic { try CheckpointFile.open(path: folder.url.path + "/no") }.message
        == "no such file or folder")
    let empty = try diagnostic { try CheckpointFile.open(path: folder.url.path) }
    #expect(empty.hint == "name the weights with --weights FILE or --weights seed:N")
  }
}
