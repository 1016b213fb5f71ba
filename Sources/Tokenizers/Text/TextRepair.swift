import Diagnostics

/// What `ftfy.fix_text` and `html.unescape` make of a text, as open_clip calls them first: entities
/// of HTML, ligatures, forms of full width and curly quotation marks become plain, escape sequences
/// and control characters are removed, all in Unicode's form C.
///
/// Two things are refused instead of done: to repair text that was read in a wrong encoding
/// (``Mojibake``), and entities other than `&amp;`, `&lt;`, `&gt;`, `&quot;`, `&apos;` and numbers.
enum TextRepair {
  /// The repaired text.
  ///
  /// Errors: the text needs one of the two.
  static func repaired(_ text: Scalars) throws(Diagnostic) -> Scalars {
    var text = text
    let isMarkup = text.contains("<")
    while true {
      var next = try unescaped(text, isMarkup: isMarkup)
      guard !Mojibake.isLikely(next) else {
        throw refusal(
          text, "looks as if it had been read in a wrong encoding, which open_clip would repair",
          hint: "write what is meant, in UTF-8")
      }
      next = plain(next)
      next = withoutControls(withoutEscapes(next)).normalizedC
      if next == text { return text }
      text = next
    }
  }

  private static func refusal(_ text: Scalars, _ why: String, hint: String) -> Diagnostic {
    Diagnostic(
      "the text '\(text.prefix(60).reduce(into: "") { $0.unicodeScalars.append($1) })' \(why)",
      hint: hint)
  }

  // MARK: - Entities

  private static let entities: [String: Unicode.Scalar] = [
    "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'",
  ]

  private static func unescaped(_ text: Scalars, isMarkup: Bool) throws(Diagnostic) -> Scalars {
    guard text.contains("&") else { return text }
    var result: Scalars = []
    var index = 0
    while index < text.count {
      guard text[index] == "&" else {
        result.append(text[index])
        index += 1
        continue
      }
      let name = Scalars(
        text[(index + 1)...].prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "#") }
      ).text
      let end = index + 1 + name.unicodeScalars.count
      let isClosed = end < text.count && text[end] == ";"
      if isClosed, !isMarkup, let scalar = entities[name] ?? number(name) {
        result.append(scalar)
        index = end + 1
        continue
      }
      let isBare = TextRepairTable.bareEntities.contains { name.hasPrefix($0) }
      guard !name.hasPrefix("#"), !isBare, !isClosed || name.isEmpty else {
        throw refusal(
          text, "has the entity '&\(name)\(isClosed ? ";" : "")', which open_clip would replace",
          hint: "write the character itself")
      }
      result.append("&")
      index += 1
    }
    return result
  }

  /// The character of `#38` or `#x26`; `nil` for those that HTML maps to others.
  private static func number(_ name: String) -> Unicode.Scalar? {
    guard name.hasPrefix("#") else { return nil }
    let digits = name.dropFirst()
    let value =
      digits.first == "x" || digits.first == "X"
      ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
    guard let value, (0x20...0x7E).contains(value) || (0xA0...0xD7FF).contains(value) else {
      return nil
    }
    return Unicode.Scalar(value)
  }

  // MARK: - Characters

  private static let replacements: [Unicode.Scalar: Scalars] = {
    var table: [Unicode.Scalar: Scalars] = ["\u{3000}": [" "]]
    // By scalars: some forms would join the blank before them to one character.
    let entries = Scalars(TextRepairTable.ligatures + " " + TextRepairTable.widths)
    for entry in entries.split(separator: " ") {
      table[entry[entry.startIndex]] = entry.dropFirst().map { $0 == "_" ? " " : $0 }
    }
    // The forms of full width of ASCII, in its order.
    for offset: UInt32 in 0x21...0x7E {
      if let wide = Unicode.Scalar(0xFEE0 + offset), let plain = Unicode.Scalar(offset) {
        table[wide] = [plain]
      }
    }
    for value: UInt32 in [0x2BC, 0x2018, 0x2019, 0x201A, 0x201B] {
      if let curly = Unicode.Scalar(value) { table[curly] = ["'"] }
    }
    for value: UInt32 in 0x201C...0x201F {
      if let curly = Unicode.Scalar(value) { table[curly] = ["\""] }
    }
    return table
  }()

  private static func plain(_ text: Scalars) -> Scalars {
    // A letter's ligature may hold what a quotation mark is: `ŉ` is replaced twice in one round.
    text.flatMap { replacements[$0] ?? [$0] }.flatMap { replacements[$0] ?? [$0] }
  }

  /// Without what controls terminals: `ESC [ digits and semicolons letter`.
  private static func withoutEscapes(_ text: Scalars) -> Scalars {
    var result: Scalars = []
    var index = 0
    while index < text.count {
      if text[index] == "\u{1B}", index + 1 < text.count, text[index + 1] == "[" {
        let end =
          text[(index + 2)...].firstIndex {
            $0 != ";" && $0.properties.generalCategory != .decimalNumber
          } ?? text.count
        if end < text.count, text[end].isASCII, text[end].isLetter {
          index = end + 1
          continue
        }
      }
      result.append(text[index])
      index += 1
    }
    return result
  }

  private static func withoutControls(_ text: Scalars) -> Scalars {
    text.filter {
      switch $0.value {
      case 0x00...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x206A...0x206F, 0xFEFF, 0xFFF9...0xFFFC: false
      default: true
      }
    }
  }
}
