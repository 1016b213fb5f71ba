import Foundation
import Npy
import Testing

/// Files of a kilobyte that speak of terabytes: the program says what is wrong with them, within a
/// gigabyte of memory.
@Suite struct SmallFileTests {
  /// Runs vitc with at most a gigabyte of private memory.
  private func limited(_ arguments: [String], in folder: Folder) throws -> Outcome {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let program = URL(fileURLWithPath: tests).deletingLastPathComponent().appending(path: "vitc")
    return try launch(
      URL(fileURLWithPath: "/bin/sh"),
      ["-c", "ulimit -d 1000000 && exec \"$@\"", "sh", program.path] + arguments, in: folder.path)
  }

  /// Compiles with these weights; what went wrong.
  private func refusal(weights: Data, name: String) throws -> String {
    #expect(weights.count <= 1024)
    let folder = try Folder()
    try weights.write(to: URL(fileURLWithPath: folder(name)))
    let found = try limited(
      ["compile", "ViT-Ti/16", "--weights", name, "-o", "libx.so"], in: folder)
    #expect(found.code == 1)
    return found.errors
  }

  private func safetensors(_ header: String, bytes: UInt64? = nil) -> Data {
    withUnsafeBytes(of: (bytes ?? UInt64(header.utf8.count)).littleEndian) { Data($0) }
      + Data(header.utf8)
  }

  @Test func safetensorsOfAnEndlessHeader() throws {
    let errors = try refusal(
      weights: safetensors(#"{"a": {"dtype": "F32"}}"#, bytes: 1 << 60), name: "x.safetensors")
    #expect(errors.contains("x.safetensors: error: "), "\(errors)")
  }

  @Test func safetensorsOfAnEndlessTensor() throws {
    let header =
      #"{"patch_embed.proj.weight": {"dtype": "F32", "shape": [1073741824, 1024], "#
      + #""data_offsets": [0, 4398046511104]}}"#
    let errors = try refusal(weights: safetensors(header), name: "x.safetensors")
    #expect(
      errors.contains("x.safetensors: tensor 'patch_embed.proj.weight': error: "), "\(errors)")
  }

  @Test func npzWhoseMemberUnpacksToGigabytes() throws {
    let folder = try Folder()
    try NpzArchive.write(folder("x.npz"), [("a", NpyArray(shape: [4], values: [1, 2, 3, 4]))])
    var bytes = try Data(contentsOf: URL(fileURLWithPath: folder("x.npz")))
    // 128 bytes of header and 16 of numbers, packed and unpacked, wherever they are said.
    let size = withUnsafeBytes(of: UInt64(144).littleEndian) { Data($0) }
    let terabytes = withUnsafeBytes(of: UInt64(1 << 41).littleEndian) { Data($0) }
    var changes = 0
    while let place = bytes.firstRange(of: size) {
      bytes.replaceSubrange(place, with: terabytes)
      changes += 1
    }
    #expect(changes >= 2)
    let errors = try refusal(weights: bytes, name: "x.npz")
    #expect(errors.contains("x.npz: tensor 'a': error: "), "\(errors)")
  }

  @Test func npyOfATerabyte() throws {
    let folder = try Folder()
    let library = try Toy.build(in: folder)
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (268435456, 1024), }"
    var bytes = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0, 118, 0])
    bytes += Data(header.padding(toLength: 117, withPad: " ", startingAt: 0).utf8) + Data([10])
    try bytes.write(to: URL(fileURLWithPath: folder("x.npy")))
    let found = try limited(["run", library, "--input", "x.npy", "--output", "y.npy"], in: folder)
    #expect(found.code == 1)
    #expect(found.errors.hasPrefix("x.npy: error: "), "\(found.errors)")
  }

  /// The largest model that a configuration may describe, without weights.
  @Test func configurationOfTheLargestModel() throws {
    let folder = try Folder()
    _ = try folder.write(
      """
      {"model_type": "vit", "architectures": ["ViTForImageClassification"], "image_size": 16384,
       "patch_size": 1, "hidden_size": 65536, "num_hidden_layers": 1024,
       "num_attention_heads": 64, "intermediate_size": 65536}
      """, to: "config.json")
    try safetensors("{}").write(to: URL(fileURLWithPath: folder("model.safetensors")))
    let found = try limited(["compile", ".", "-o", "libx.so"], in: folder)
    #expect(found.code == 1)
    #expect(found.errors.contains("error: "), "\(found.errors)")
  }

  @Test func graphOfHugeConstants() throws {
    let folder = try Folder()
    _ = try folder.write(
      """
      graph @g imported {
        %a: f32[1048576,262144] = fill {shape = [1048576, 262144], value = 0.5}
        %b: f32[1048576,262144] = activation %a {function = "gelu"}
        return %b as "logits"
      }
      """, to: "x.vir")
    // It is verified and printed, and nothing is computed.
    let found = try limited(["opt", "x.vir"], in: folder)
    #expect(found.code == 0 && found.output.contains("f32[1048576,262144] = fill"), "\(found)")
  }
}
