import Diagnostics

/// SentencePiece's precompiled table of normalizations (`precompiled_charsmap`): a double array of
/// the sequences that change, behind which are what they become, each ended by a zero byte.
struct CharsMap: Sendable {
  private let units: [UInt32]
  private let texts: [UInt8]

  /// The longest text that a sequence becomes has 18 scalars in Unicode's form KC.
  private static let mostOfText = 64

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
    guard String(validating: texts, as: UTF8.self) != nil else {
      throw Diagnostic(
        "the precompiled table of normalizations is damaged: what sequences become is not UTF-8",
        at: location)
    }
    guard longestText <= Self.mostOfText else {
      throw Diagnostic(
        "the precompiled table of normalizations is damaged: a sequence becomes \(longestText) "
          + "characters, expected \(Self.mostOfText) at most", at: location)
    }
  }

  /// The scalars of the longest text that a sequence becomes, at least 1.
  var longestText: Int {
    texts.split(separator: 0).reduce(1) { longest, text in
      // Bytes that continue a character are not counted.
      max(longest, text.count { $0 & 0xC0 != 0x80 })
    }
  }

  /// Appends the section; returns its place.
  func write(to writer: inout TableWriter) -> UInt32 {
    writer.append([
      UInt32(units.count), writer.append(units), UInt32(texts.count), writer.append(bytes: texts),
    ])
  }
}
