import Diagnostics

/// A lexical unit of the text form.
struct Token: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    /// A keyword, mnemonic or attribute name.
    case word
    /// `%name`, without the sign.
    case value
    /// `@name`, without the sign.
    case symbol
    /// A number, as written.
    case number
    /// A text in double quotes, without them and with its escapes resolved.
    case string
    /// One of `{ } [ ] ( ) , : = +`.
    case punctuation
    case end
  }

  var kind: Kind
  var text: String
  var line: Int
  var column: Int
}

/// Cuts text into tokens; `//` comments run to the end of the line.
struct Lexer: Sendable {
  private let bytes: [UInt8]
  private let file: String
  private var position = 0
  private var line = 1
  private var lineStart = 0

  init(_ text: String, file: String) {
    bytes = Array(text.utf8)
    self.file = file
  }

  /// Returns all tokens, an `end` last.
  ///
  /// - Throws: a character that begins no token, or a text without an end.
  mutating func tokens() throws(Diagnostic) -> [Token] {
    var tokens: [Token] = []
    repeat { tokens.append(try next()) } while tokens.last?.kind != .end
    return tokens
  }

  private mutating func next() throws(Diagnostic) -> Token {
    skipBlanks()
    guard position < bytes.count else { return token(.end, position..<position) }
    let start = position
    let byte = bytes[position]
    switch byte {
    case UInt8(ascii: "%"), UInt8(ascii: "@"):
      position += 1
      take(while: Lexer.isNameByte)
      guard position > start + 1 else {
        throw error("expected a name after '\(Character(UnicodeScalar(byte)))'", at: start)
      }
      return token(
        byte == UInt8(ascii: "%") ? .value : .symbol, start + 1..<position, from: start)
    case UInt8(ascii: "\""):
      position += 1
      return try string(from: start)
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
      position += 1
      take {
        Lexer.isNameByte($0) || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-")
      }
      return token(.number, start..<position)
    case _ where Lexer.isNameByte(byte):
      take(while: Lexer.isNameByte)
      return token(.word, start..<position)
    case _ where "{}[](),:=+".utf8.contains(byte):
      position += 1
      return token(.punctuation, start..<position)
    default:
      throw unexpected(byte, at: start)
    }
  }

  /// Reads the rest of a text that began at `start`.
  private mutating func string(from start: Int) throws(Diagnostic) -> Token {
    var text: [UInt8] = []
    while position < bytes.count, bytes[position] != UInt8(ascii: "\n") {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        return Token(
          kind: .string, text: String(decoding: text, as: UTF8.self), line: line,
          column: start - lineStart + 1)
      case UInt8(ascii: "\\"):
        text += try escaped()
      default: text.append(byte)
      }
    }
    throw error("text without a closing quote", at: start)
  }

  /// Reads what follows a backslash.
  private mutating func escaped() throws(Diagnostic) -> [UInt8] {
    if position < bytes.count, bytes[position] == UInt8(ascii: "u") { return try character() }
    let known: [UInt8: UInt8] = [
      UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
      UInt8(ascii: "n"): UInt8(ascii: "\n"), UInt8(ascii: "r"): UInt8(ascii: "\r"),
      UInt8(ascii: "t"): UInt8(ascii: "\t"),
    ]
    guard position < bytes.count, let byte = known[bytes[position]] else {
      throw error(
        "unknown escape, expected one of \\\" \\\\ \\n \\r \\t \\u{...}", at: position - 1)
    }
    position += 1
    return [byte]
  }

  /// Reads `u{202E}`, a character by its number.
  private mutating func character() throws(Diagnostic) -> [UInt8] {
    let start = position
    let most = 6
    let digits = bytes[(start + 1)...].dropFirst().prefix(most + 1).prefix {
      $0 != UInt8(ascii: "}")
    }
    // A sign would be read too.
    let number =
      digits.allSatisfy { Character(UnicodeScalar($0)).isHexDigit }
      ? UInt32(String(decoding: digits, as: UTF8.self), radix: 16) : nil
    guard bytes[(start + 1)...].first == UInt8(ascii: "{"), digits.count <= most,
      digits.endIndex < bytes.count, let scalar = number.flatMap(Unicode.Scalar.init)
    else {
      throw error("expected the number of a character in braces, such as \\u{202E}", at: start - 1)
    }
    position = digits.endIndex + 1
    return Array(String(scalar).utf8)
  }

  /// `true` iff `%text` and `@text` are one token each.
  static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy(isNameByte)
  }

  private mutating func skipBlanks() {
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\n"):
        line += 1
        position += 1
        lineStart = position
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): position += 1
      case UInt8(ascii: "/")
      where position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "/"):
        take { $0 != UInt8(ascii: "\n") }
      default: return
      }
    }
  }

  private mutating func take(while condition: (UInt8) -> Bool) {
    while position < bytes.count, condition(bytes[position]) { position += 1 }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  private func token(_ kind: Token.Kind, _ range: Range<Int>, from start: Int? = nil) -> Token {
    Token(
      kind: kind, text: String(decoding: bytes[range], as: UTF8.self), line: line,
      column: (start ?? range.lowerBound) - lineStart + 1)
  }

  private func unexpected(_ byte: UInt8, at position: Int) -> Diagnostic {
    let shown =
      (0x21...0x7E).contains(byte) ? "'\(Character(UnicodeScalar(byte)))'" : "byte \(byte)"
    return error("unexpected \(shown)", at: position)
  }

  private func error(_ message: String, at position: Int) -> Diagnostic {
    Diagnostic(message, at: .text(file: file, line: line, column: position - lineStart + 1))
  }
}
