import Diagnostics
import Npy
import Testing
import Tokenizers

/// The texts and hashes of `Tests/Goldens/tokenizers/goldens.npz`, as
/// `Scripts/goldens/tokenizer_texts.py` makes them.
struct TokenizerGoldens {
  /// What a folder's tokenizer makes of each text.
  struct Expected {
    var hashes: [Int]
    var lengths: [Int]
    var padded: [Int]
  }

  static let folder =
    "\(#filePath.dropLast(#fileID.dropFirst("TokenizersTests".count).count))"
    + "/../Goldens/tokenizers"

  let texts: [String]
  private let archive: NpzArchive

  init() throws {
    archive = try NpzArchive(path: "\(Self.folder)/goldens.npz")
    let bytes = try archive.read("text").values.map { UInt8($0) }
    var start = 0
    texts = try archive.read("text_lengths").values.map { length in
      defer { start += Int(length) }
      return String(decoding: bytes[start..<start + Int(length)], as: UTF8.self)
    }
  }

  func expected(_ name: String) throws -> Expected {
    func column(_ suffix: String) throws -> [Int] {
      try archive.read("\(name)\(suffix)").values.map { Int($0) }
    }
    return Expected(
      hashes: try column(""), lengths: try column("_lengths"), padded: try column("_padded"))
  }

  /// 24 bits of FNV-1a over numbers of 4 bytes, little endian.
  static func hash(_ numbers: [Int32]) -> Int {
    var hash: UInt32 = 0x811C_9DC5
    for number in numbers {
      for shift: UInt32 in [0, 8, 16, 24] {
        hash = (hash ^ (UInt32(bitPattern: number) >> shift & 0xFF)) &* 0x0100_0193
      }
    }
    return Int(hash & 0xFF_FFFF)
  }
}
