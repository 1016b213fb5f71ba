import Diagnostics

/// SentencePiece's precompiled table of normalizations (`precompiled_charsmap`): a double array of
/// the sequences that change (Darts-clone: a label, a leaf bit and an offset in 32 bits), behind
/// which are what they become, each ended by a zero byte.
struct CharsMap: Sendable {
  private let units: [UInt32]
  private let texts: [UInt8]

  /// Reads a table: the bytes of the array (u32, little endian), the array, the texts.
  init(_ bytes: [UInt8], at location: Diagnostic.Location) throws(Diagnostic) {
    func word(_ offset: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
    }
    guard bytes.count >= 4, Int(word(0)) % 4 == 0, Int(word(0)) >= 4,
      Int(word(0)) <= bytes.count - 4
    else {
      throw Diagnostic(
        "the precompiled table of normalizations is damaged: its array does not fit its "
          + "\(bytes.count) bytes", at: location)
    }
    let count = Int(word(0)) / 4
    units = (0..<count).map { word(4 + 4 * $0) }
    texts = Array(bytes[(4 + 4 * count)...])
  }

  /// The sequences that a text begins with, in growing length: the bytes of each, and where its
  /// replacement begins.
  private func prefixes(_ text: some Collection<UInt8>) -> [(length: Int, text: Int)] {
    var found: [(Int, Int)] = []
    var place = Self.offset(units[0])
    for (index, byte) in text.enumerated() {
      if byte == 0 { break }
      place ^= Int(byte)
      guard place < units.count else { break }
      let unit = units[place]
      guard unit & 0x8000_00FF == UInt32(byte) else { break }
      place ^= Self.offset(unit)
      guard place < units.count else { break }
      if unit >> 8 & 1 == 1 { found.append((index + 1, Int(units[place] & 0x7FFF_FFFF))) }
    }
    return found
  }

  private static func offset(_ unit: UInt32) -> Int {
    Int((unit >> 10) << ((unit & (1 << 9)) >> 6))
  }

  private func replacement(_ start: Int) -> [UInt8] {
    guard start < texts.count else { return [] }
    return Array(texts[start...].prefix { $0 != 0 })
  }

  /// The longest sequence at the beginning of a text that changes, and what it becomes.
  func longest(_ text: some Collection<UInt8>) -> (length: Int, text: [UInt8])? {
    prefixes(text).last.map { ($0.length, replacement($0.text)) }
  }

  /// As the library `tokenizers` applies the table: to each cluster of scalars of less than 6 bytes
  /// as a whole, if it begins with a sequence, else to each scalar, each time the shortest
  /// sequence.
  func normalizedByClusters(_ text: Scalars) -> Scalars {
    var result: Scalars = []
    for cluster in text.text {
      let bytes = Array(String(cluster).utf8)
      if bytes.count < 6, let first = prefixes(bytes).first {
        result += Self.scalars(replacement(first.text))
        continue
      }
      for scalar in cluster.unicodeScalars {
        if let first = prefixes(UTF8Text.bytes([scalar])).first {
          result += Self.scalars(replacement(first.text))
        } else {
          result.append(scalar)
        }
      }
    }
    return result
  }

  private static func scalars(_ bytes: [UInt8]) -> Scalars {
    Scalars(String(decoding: bytes, as: UTF8.self))
  }
}
