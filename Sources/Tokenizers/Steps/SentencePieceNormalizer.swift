import Diagnostics

/// SentencePiece's own normalization (`NormalizerSpec`; normalizer.cc): at each place the longest
/// sequence of the table becomes what the table says, blanks become `▁`.
struct SentencePieceNormalizer: Sendable {
  private var map: CharsMap?
  private var addsPrefix = true
  private var removesExtraBlanks = true
  private var escapesBlanks = true
  private let userDefined: [[UInt8]]

  /// Reads the message of a file; `spec` is where it is.
  init(
    _ bytes: [UInt8], _ spec: Range<Int>?, userDefined: [[UInt8]], path: String
  ) throws(Diagnostic) {
    self.userDefined = userDefined.sorted { $0.count > $1.count }
    guard let spec else { return }
    var reader = ProtobufReader(bytes, spec, path: path)
    while let (field, value) = try reader.next() {
      switch (field, value) {
      case (2, .bytes(let range)) where !range.isEmpty:
        map = try CharsMap(Array(bytes[range]), at: .file(path))
      case (3, .number(let flag)): addsPrefix = flag != 0
      case (4, .number(let flag)): removesExtraBlanks = flag != 0
      case (5, .number(let flag)): escapesBlanks = flag != 0
      default: break
      }
    }
  }

  /// What stands for a blank.
  private var blank: [UInt8] { escapesBlanks ? Array("▁".utf8) : [0x20] }

  /// The text that pieces are looked for in.
  func normalized(_ text: [UInt8]) -> [UInt8] {
    var index = 0
    if removesExtraBlanks {
      while index < text.count {
        let (replacement, length) = prefix(text, index)
        guard replacement == [0x20] else { break }
        index += length
      }
    }
    guard index < text.count else { return [] }
    var result: [UInt8] = addsPrefix ? blank : []
    var isAfterBlank = removesExtraBlanks
    while index < text.count {
      let (replacement, length) = prefix(text, index)
      index += length
      var rest = replacement[...]
      while isAfterBlank, rest.first == 0x20 { rest.removeFirst() }
      for byte in rest {
        if byte == 0x20 { result += blank } else { result.append(byte) }
      }
      if let last = rest.last { isAfterBlank = removesExtraBlanks && last == 0x20 }
    }
    if removesExtraBlanks {
      let blank = blank
      while result.count >= blank.count, result.suffix(blank.count).elementsEqual(blank) {
        result.removeLast(blank.count)
      }
    }
    return result
  }

  /// What the text at an index becomes, and how many bytes that takes.
  private func prefix(_ text: [UInt8], _ index: Int) -> (text: [UInt8], length: Int) {
    if let symbol = userDefined.first(where: { text[index...].starts(with: $0) }) {
      return (symbol, symbol.count)
    }
    if let found = map?.longest(text[index...]) { return (found.text, found.length) }
    let end = UTF8Text.end(ofCharacterAt: index, text)
    return (Array(text[index..<end]), end - index)
  }
}
