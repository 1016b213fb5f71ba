/// Text from outside (labels, names of files and tensors) on a terminal: what would move the
/// cursor, change the order of letters or begin a line is shown as an escape.
public enum PlainText {
  /// The text with `\n`, `\t`, `\r`, and `\u{202E}` for other such characters.
  public static func escaped(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      case _ where isUnsafe(scalar):
        result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The lines of a text, each escaped.
  public static func escapedLines(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { escaped(String($0)) }
      .joined(separator: "\n")
  }

  /// A text of JSON whose strings hold such characters as `\u202e`: the same value.
  ///
  /// Line ends between values stay.
  public static func escapedJSON(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      guard scalar != "\n", isUnsafe(scalar) else {
        result.unicodeScalars.append(scalar)
        continue
      }
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
    return result
  }

  /// Bytes that should be text: what is ASCII as it is, each other byte as `\xFF`.
  public static func shown(_ bytes: some Sequence<UInt8>) -> String {
    var result = ""
    for byte in bytes {
      if (0x20..<0x7F).contains(byte) {
        result.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        result += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
    return result
  }

  /// `true` iff a character is a control character, ends a line or a paragraph, sets the direction
  /// of letters (UAX #9), or is the mark of a byte order.
  public static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F...0x9F, 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF:
      true
    default: false
    }
  }
}
