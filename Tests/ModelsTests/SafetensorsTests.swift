import Diagnostics
import Foundation
import IR
import Testing

@testable import Models

@Suite struct SafetensorsTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(_ data: Data) throws -> Safetensors {
    try Safetensors(path: try folder.write("t.safetensors", data))
  }

  @Test func readsEveryFloatingType() throws {
    let file = try open(
      safetensors([
        RawTensor("a", [2, 2], [1, -2, 0.5, 3e38]),
        // 1, -2, the smallest denormal 2^-24, the largest number, minus infinity, NaN.
        RawTensor(
          "h", "F16", [6],
          [0x3C00, 0xC000, 0x0001, 0x7BFF, 0xFC00, 0x7E01].flatMap { littleEndian(UInt16($0)) }),
        RawTensor("b", "BF16", [2], [0x3F80, 0xC049].flatMap { littleEndian(UInt16($0)) }),
        RawTensor("d", "F64", [], littleEndian((1.0 / 3).bitPattern)),
        RawTensor("e", "F32", [0, 3], []),
      ]))
    #expect(file.names == ["a", "b", "d", "e", "h"])
    #expect(file.type(of: "b") == StoredType(.bf16, [2]))
    #expect(file.type(of: "b")?.description == "BF16[2]")
    #expect(file.type(of: "x") == nil)
    #expect(try file.read("a") == Tensor(shape: [2, 2], values: [1, -2, 0.5, 3e38]))
    let h = try file.read("h").values
    #expect(Array(h.prefix(5)) == [1, -2, 0x1p-24, 65504, -.infinity])
    #expect(h[5].isNaN)
    #expect(try file.read("b").values == [1, Float(bitPattern: 0xC049_0000)])
    #expect(try file.read("d") == Tensor(shape: [], values: [Float(1.0 / 3)]))
    #expect(try file.read("e") == Tensor(shape: [0, 3], values: []))
  }

  /// Every binary16 number against the compiler's own conversion.
  @Test func widensEveryF16() throws {
    let all = (0...UInt16.max).map { $0 }
    let file = try open(
      safetensors([RawTensor("h", "F16", [65536], all.flatMap { littleEndian($0) })]))
    let values = try file.read("h").values
    let wrong = zip(all, values).filter { bits, value in
      let wanted = Float(Float16(bitPattern: bits))
      return wanted.isNaN ? !value.isNaN : wanted.bitPattern != value.bitPattern
    }
    #expect(wrong.isEmpty)
  }

  /// More elements than one chunk of the converter holds.
  @Test func convertsChunkByChunk() throws {
    let bits = (0..<300_001).map { UInt16(truncatingIfNeeded: $0 &* 7) }
    let file = try open(
      safetensors([
        RawTensor("pad", "U8", [3], [0, 0, 0]),
        RawTensor("b", "BF16", [300_001], bits.flatMap { littleEndian($0) }),
      ]))
    let values = try file.read("b").values
    #expect(values.count == bits.count)
    #expect(zip(values, bits).allSatisfy { $0.bitPattern == UInt32($1) << 16 })
  }

  @Test func refusesIntegers() throws {
    let file = try open(safetensors([RawTensor("i", "I64", [1], littleEndian(Int64(7)))]))
    let error = try diagnostic { try file.read("i") }
    #expect(error.message == "holds I64, expected F32, F16, BF16 or F64")
    #expect(error.location == .tensor("i", file: file.path))
  }

  @Test func suggestsNames() throws {
    let file = try open(safetensors([RawTensor("cls_token", [1], [1])]))
    let error = try diagnostic { try file.read("cls_tokens") }
    #expect(error.message == "the checkpoint has no such tensor")
    #expect(error.hint == "did you mean 'cls_token'?")
  }

  @Test func noticesNonFinite() throws {
    let file = CheckedCheckpoint(
      try open(
        safetensors([
          RawTensor("good", [2], [1, 2]), RawTensor("bad", [3], [1, .nan, -.infinity]),
        ])))
    _ = try file.read("good")
    #expect(file.warnings.isEmpty)
    _ = try file.read("bad")
    _ = try file.read("bad")
    #expect(
      file.warnings == [
        Diagnostic(
          "2 of 3 values are NaN or infinite", severity: .warning,
          at: .tensor("bad", file: file.path))
      ])
  }

  @Test func noticesShrinkingFile() throws {
    let path = try folder.write("s.safetensors", safetensors([RawTensor("a", [2], [1, 2])]))
    let file = try Safetensors(path: path)
    let size = try #require(
      try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.truncate(atOffset: UInt64(size - 4))
    let error = try diagnostic { try file.read("a") }
    #expect(error.message == "ends at byte \(size - 4); it had \(size) bytes when it was opened")
  }

  /// A header of one entry, and what must be said about it.
  @Test(arguments: [
    (
      #"{"t":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}"#, "unknown dtype 'F33'"
    ),
    (
      #"{"t":{"shape":[1],"data_offsets":[0,4]}}"#, "'dtype' is absent, expected a string"
    ),
    (
      #"{"t":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
      "'shape' is an array of 1, expected an array of extents, each 0 or more"
    ),
    (
      #"{"t":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#,
      "'data_offsets' is an array of 1, expected two offsets, 0 or more"
    ),
    (
      #"{"t":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
      "'data_offsets' [4, 0] end before they begin"
    ),
    (
      #"{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}}"#,
      "'data_offsets' is an array of 2, expected two offsets, 0 or more"
    ),
    (
      #"{"t":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#,
      "the size of shape [4294967296, 4294967296] overflows"
    ),
    (
      #"{"t":{"dtype":"F4","shape":[1],"data_offsets":[0,4]}}"#,
      "shape [1] of F4 is not a whole number of bytes"
    ),
    (
      #"{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
      "shape [2] of F32 takes 8 bytes, but 'data_offsets' [0, 4] span 4"
    ),
    (
      #"{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
      "ends at byte 8 of the data, but the file holds 4"
    ),
    (
      #"{"t":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}"#,
      "begins at byte 1 of the data; the 1 bytes before it belong to no tensor"
    ),
    (
      #"{"s":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"#
        + #""t":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
      "begins at byte 2 of the data, inside 's', which ends at 3"
    ),
    (#"{"t":3}"#, "the header has the integer 3, expected an object"),
  ])
  func refusesEntries(header: String, message: String) throws {
    let error = try diagnostic { try open(safetensors(header: header, data: [1, 2, 3, 4])) }
    #expect(error.message == message)
    #expect(error.location == .tensor("t", file: folder.url.path + "/t.safetensors"))
  }

  @Test(arguments: [
    (Data(), "the file is empty"),
    (Data([1, 2, 3]), "a file of 3 bytes is too short for a safetensors header"),
    (
      safetensors(header: "{}", claim: 1 << 63),
      "the safetensors header claims 9223372036854775808 bytes; the format allows 100000000"
    ),
    (
      safetensors(header: "{}", claim: 3),
      "the safetensors header claims 3 bytes, but only 2 follow"
    ),
    (safetensors(header: "[1]"), "the safetensors header does not begin with '{'"),
    (
      safetensors(header: ""), "the safetensors header does not begin with '{'"
    ),
    (
      safetensors(header: #"{"a" 1}"#),
      "the safetensors header is not valid: expected ':', found '1'"
    ),
    (
      safetensors(header: #"{"__metadata__":{"a":1}}"#),
      "'__metadata__' entry 'a' is the integer 1, expected a string"
    ),
    (
      safetensors(header: #"{"__metadata__":1}"#),
      "'__metadata__' is the integer 1, expected an object"
    ),
    (
      safetensors(header: "{}   ", data: [1]),
      "the tensors end at byte 0 of the data, but the file holds 1"
    ),
    (
      safetensors(
        header: #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
          + #""a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#, data: [1, 2]),
      "the safetensors header is not valid: duplicate key 'a'"
    ),
    (
      Data("version https://git-lfs.github.com/spec/v1\noid sha256:0".utf8),
      "is a Git LFS pointer, not the weights"
    ),
    (
      Data([0x50, 0x4B, 3, 4, 0, 0, 0, 0, 0, 0]),
      "is a zip archive, expected safetensors"
    ),
    (
      Data([0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9]),
      "is a pickle that torch.save did not write; "
        + "vitc reads safetensors, PyTorch's zip archives and Google's .npz"
    ),
  ])
  func refusesFiles(data: Data, message: String) throws {
    let error = try diagnostic { try open(data) }
    #expect(error.message == message)
    #expect(error.location == .file(folder.url.path + "/t.safetensors"))
  }

  /// The length of a header is any number: these begin as pickles of protocols 2 to 5 do.
  @Test(arguments: [0x280, 0x380, 0x480, 0x580, 0x1_0280, 0x2_0580])
  func readsHeadersWhoseLengthLooksLikeAnotherFormat(length: Int) throws {
    let entry = #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#
    let header = entry + String(repeating: " ", count: length - entry.utf8.count - 1) + "}"
    let data = safetensors(header: header, data: littleEndian(Float(7).bitPattern))
    #expect(try open(data).read("a").values == [7])
    let path = try folder.write("w.bin", data)
    #expect(try CheckpointFile.open(path: path).names == ["a"])
    try folder.write("s.safetensors", data)
    let index = try folder.write(
      "model.safetensors.index.json", #"{"weight_map": {"a": "s.safetensors"}}"#)
    #expect(try CheckpointFile.open(path: index).read("a").values == [7])
  }

  /// No flip of one bit of the header, and no truncation, may crash the reader.
  @Test func survivesDamage() throws {
    let good = safetensors([RawTensor("a", [1], [1]), RawTensor("b", "F16", [2], [0, 1, 2, 3])])
    var refused = 0
    // Every bit of the length, then one of each byte, each time another.
    let bits = Array(0..<64) + (8..<good.count - 8).map { 8 * $0 + $0 % 8 }
    for bit in bits {
      var bad = good
      bad[bit / 8] ^= 1 << UInt8(bit % 8)
      do {
        let file = try open(bad)
        for name in file.names { _ = try? file.read(name) }
      } catch is Diagnostic {
        refused += 1
      }
    }
    for count in Array(stride(from: 0, to: good.count, by: 3)) + [good.count - 1] {
      _ = try diagnostic { try open(good.prefix(count)) }
    }
    #expect(refused > bits.count / 2)
  }

  @Test func refusesFolders() throws {
    let error = try diagnostic { try Safetensors(path: folder.url.path) }
    #expect(error.message == "expected a file, found a directory")
    let absent = try diagnostic { try Safetensors(path: folder.url.path + "/absent") }
    #expect(absent.message == "cannot open the file: no such file or directory")
  }
}
