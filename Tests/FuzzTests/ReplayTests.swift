import Foundation
import Fuzzing
import SeededRandom
import Testing

/// Every seed and every input that ever broke a reader, again; `make fuzz` finds new ones.
@Suite struct ReplayTests {
  private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The files that a target is replayed on.
  private static func inputs(_ target: FuzzTarget) throws -> [URL] {
    let own = tests.appendingPathComponent("FuzzTests/Corpus/\(target.rawValue)")
    var folders = FileManager.default.fileExists(atPath: own.path) ? [own] : []
    switch target {
    case .npz: folders.append(tests.appendingPathComponent("NpyTests/Fixtures"))
    case .image: folders.append(tests.appendingPathComponent("ImagesTests/Fixtures"))
    case .torch: folders.append(tests.appendingPathComponent("ModelsTests/Fixtures/torch"))
    case .safetensors, .pickle, .folder, .ir, .picture, .weights, .library, .proof, .tokenizer,
      .text:
      break
    }
    return try folders.flatMap {
      try FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)
    }.sorted { $0.path < $1.path }
  }

  @Test(arguments: FuzzTarget.allCases)
  func `every known input is read or refused`(target: FuzzTarget) throws {
    let inputs = try Self.inputs(target)
    #expect(!inputs.isEmpty)
    for input in inputs {
      try Data(contentsOf: input).withUnsafeBytes { target.run($0) }
    }
  }

  /// A little fuzzing without libFuzzer: each seed cut short, and with a few bytes changed.
  @Test(arguments: FuzzTarget.allCases)
  func `cut and changed inputs are read or refused`(target: FuzzTarget) throws {
    var random = SplitMix64(seed: 6)
    for input in try Self.inputs(target) {
      let bytes = Array(try Data(contentsOf: input))
      for _ in 0..<target.changes where bytes.count > 1 && bytes.count < 1 << 16 {
        var changed = bytes
        if random.next() % 3 == 0 {
          changed.removeLast(Int(random.next() % UInt64(bytes.count)))
        } else {
          for _ in 0...random.next() % 4 {
            changed[Int(random.next() % UInt64(changed.count))] = interesting(random.next())
          }
        }
        changed.withUnsafeBytes { target.run($0) }
      }
    }
  }

  /// What is to be changed is right as it is: but for those that are named after their fault, the
  /// tokenizers of the corpus are read.
  @Test func `tokenizers are read`() throws {
    let hostile: Set = [
      "huge_number", "two_vocabularies", "negative_padding", "negative_token", "no_room",
      "doubling", "many_steps",
    ]
    for input in try Self.inputs(.tokenizer) {
      let fault = try Data(contentsOf: input).withUnsafeBytes { fuzzTokenizer($0) }
      let name = input.lastPathComponent
      #expect((fault != nil) == hostile.contains(name), "\(name): \(fault ?? "read")")
    }
  }

  /// A byte: often one at the edge of something.
  private func interesting(_ bits: UInt64) -> UInt8 {
    let edges: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF] + Array("{}[]\",:-9eN".utf8)
    return bits & 1 == 0
      ? UInt8(truncatingIfNeeded: bits >> 8) : edges[Int(bits >> 8) % edges.count]
  }
}

extension FuzzTarget {
  /// How often each input is changed: enough for all to take a second or two.
  fileprivate var changes: Int {
    switch self {
    case .text: 2
    case .folder, .tokenizer: 8
    case .safetensors, .npz, .torch, .pickle, .ir, .image, .picture, .weights, .library, .proof: 24
    }
  }
}
