import IR
import Testing

@testable import Models

@Suite struct SeededCheckpointTests {
  /// Bit patterns of the first four and of the last element, from
  /// Scripts/goldens/seedweights.py.
  @Test(
    arguments: [
      ("input", [2, 3, 8, 8], 7, [0xBF3173E6, 0x3E368868, 0x3E317290, 0xBECCECCC, 0x3E5057B0]),
      (
        "blocks.0.attn.qkv.weight", [12, 4], 1,
        [0x3ECF35D4, 0xBF31B394, 0x3F1962AB, 0x3E4A07E0, 0xBE48C70A]
      ),
      (
        "blocks.0.norm1.weight", [5], 1,
        [0x3F8263EF, 0x3F5C1EFA, 0x3F6F8C5F, 0x3F70DE58, 0x3F506596]
      ),
      ("blocks.3.ls1.gamma", [9], 2, [0x3EB3A13C, 0x3EFB371D, 0x3F0C5580, 0x3F3EE887, 0x3E9230FF]),
      ("head.bias", [6], 0, [0x3C34EB33, 0xBDB74442, 0xBA049666, 0xBD6F9AF0, 0x3CD07F5A]),
      ("cls_token", [1, 1, 6], 3, [0x3BABF380, 0xBE380BB4, 0x3EBB5F00, 0xBDF3D110, 0x3CC25380]),
      ("pos_embed", [1, 5, 6], 3, [0x3EFF8AF6, 0x3E91469C, 0xBEEB76DC, 0xBE4A66A0, 0xBE9BFFAC]),
      (
        "patch_embed.proj.weight", [4, 3, 7, 7], 18446744073709551615,
        [0x3E0F00A2, 0x3D2F0140, 0x3DAB8209, 0xBE0E551A, 0x3E072412]
      ),
    ] as [(String, [Int], UInt64, [UInt32])])
  func equalsPython(name: String, shape: [Int], seed: UInt64, bits: [UInt32]) throws {
    let checkpoint = SeededCheckpoint(seed: seed, shapes: [name: shape])
    let tensor = try checkpoint.read(name)
    #expect(tensor.shape == shape)
    #expect(
      tensor.values.prefix(4).map(\.bitPattern) + [tensor.values.last?.bitPattern ?? 0] == bits)
  }

  @Test func describesItself() throws {
    let checkpoint = SeededCheckpoint(seed: 9, shapes: ["head.bias": [3], "cls_token": [1, 1, 2]])
    #expect(checkpoint.path == "seed:9")
    #expect(checkpoint.names == ["cls_token", "head.bias"])
    #expect(checkpoint.type(of: "head.bias") == StoredType(.f32, [3]))
    #expect(checkpoint.type(of: "x") == nil)
    #expect(try diagnostic { try checkpoint.read("heat.bias") }.hint == "did you mean 'head.bias'?")
  }
}
