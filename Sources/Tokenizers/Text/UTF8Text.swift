/// Text as bytes in UTF-8, which models work on.
enum UTF8Text {
  /// Where the character that begins at an index ends; the text is valid UTF-8.
  static func end(ofCharacterAt index: Int, _ text: [UInt8]) -> Int {
    let length =
      switch text[index] {
      case ..<0xC0: 1
      case ..<0xE0: 2
      case ..<0xF0: 3
      default: 4
      }
    return min(text.count, index + length)
  }

  /// Scalars in UTF-8.
  static func bytes(_ scalars: some Sequence<Unicode.Scalar>) -> [UInt8] {
    var bytes: [UInt8] = []
    for scalar in scalars { bytes += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter }
    return bytes
  }
}
