/// Reads one JSON text (RFC 8259) of untrusted origin: no recursion deeper than `depthLimit`, no
/// duplicate key, no byte after the value except white space, valid UTF-8 in strings.
public struct JSONReader {
  /// Deeper nesting is refused: no configuration has it, and it would exhaust the stack.
  private static let depthLimit = 64

  private let bytes: [UInt8]
  private let allowsNonFinite: Bool
  private var index = 0

  /// Returns the value of a text in UTF-8.
  ///
  /// - Parameter allowsNonFinite: `true` iff `NaN`, `Infinity`, `-Infinity` and numbers too large
  ///   for a `Double` are numbers, as Python writes and reads them.
  /// - Throws: why it is not JSON, and where.
  public static func read(
    _ bytes: [UInt8], allowsNonFinite: Bool = false
  ) throws(JSONError) -> JSONValue {
    var reader = JSONReader(bytes: bytes, allowsNonFinite: allowsNonFinite)
    reader.skipSpace()
    let value = try reader.value(depth: 0)
    reader.skipSpace()
    guard reader.index == bytes.count else { throw reader.error("unexpected text after the value") }
    return value
  }

  private init(bytes: [UInt8], allowsNonFinite: Bool) {
    self.bytes = bytes
    self.allowsNonFinite = allowsNonFinite
  }

  private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

  private func error(_ message: String) -> JSONError { JSONError(message: message, offset: index) }

  private func unexpected(_ wanted: String) -> JSONError {
    guard let byte = current else { return error("expected \(wanted), found the end of the text") }
    let shown =
      (0x21..<0x7F).contains(byte)
      ? "'\(Character(UnicodeScalar(byte)))'" : "byte 0x\(String(byte, radix: 16))"
    return error("expected \(wanted), found \(shown)")
  }

  private mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      index += 1
    }
  }

  private mutating func skip(_ byte: UInt8, or wanted: String) throws(JSONError) {
    guard current == byte else { throw unexpected(wanted) }
    index += 1
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    guard depth < Self.depthLimit else { throw error("nested deeper than \(Self.depthLimit)") }
    switch current {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "N") where allowsNonFinite: return try word("NaN", .number(.nan))
    case UInt8(ascii: "I") where allowsNonFinite: return try word("Infinity", .number(.infinity))
    case UInt8(ascii: "-") where allowsNonFinite && bytes[index...].starts(with: "-I".utf8):
      return try word("-Infinity", .number(-.infinity))
    default: return try number()
    }
  }

  private mutating func word(_ text: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
    guard bytes[index...].starts(with: text.utf8) else { throw unexpected("a value") }
    index += text.utf8.count
    return value
  }

  private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
    index += 1
    var members: [String: JSONValue] = [:]
    skipSpace()
    if current == UInt8(ascii: "}") {
      index += 1
      return .object(members)
    }
    while true {
      skipSpace()
      let keyOffset = index
      guard current == UInt8(ascii: "\"") else { throw unexpected("a key") }
      let key = try string()
      skipSpace()
      try skip(UInt8(ascii: ":"), or: "':'")
      skipSpace()
      let value = try value(depth: depth + 1)
      guard members.updateValue(value, forKey: key) == nil else {
        throw JSONError(message: "duplicate key '\(key)'", offset: keyOffset)
      }
      skipSpace()
      if current == UInt8(ascii: ",") {
        index += 1
        continue
      }
      try skip(UInt8(ascii: "}"), or: "',' or '}'")
      return .object(members)
    }
  }

  private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
    index += 1
    var elements: [JSONValue] = []
    skipSpace()
    if current == UInt8(ascii: "]") {
      index += 1
      return .array(elements)
    }
    while true {
      skipSpace()
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if current == UInt8(ascii: ",") {
        index += 1
        continue
      }
      try skip(UInt8(ascii: "]"), or: "',' or ']'")
      return .array(elements)
    }
  }

  private mutating func number() throws(JSONError) -> JSONValue {
    let start = index
    var isInteger = true
    if current == UInt8(ascii: "-") { index += 1 }
    let firstDigit = current
    let wholeDigits = skipDigits()
    guard wholeDigits > 0 else {
      if start == index { throw unexpected("a value") }
      throw unexpected("a digit")
    }
    guard wholeDigits == 1 || firstDigit != UInt8(ascii: "0") else {
      throw JSONError(message: "a number with a leading zero", offset: start)
    }
    if current == UInt8(ascii: ".") {
      isInteger = false
      index += 1
      guard skipDigits() > 0 else { throw unexpected("a digit") }
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      isInteger = false
      index += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { index += 1 }
      guard skipDigits() > 0 else { throw unexpected("a digit") }
    }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    if isInteger, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite || allowsNonFinite else {
      throw JSONError(message: "the number '\(text.prefix(40))' is too large", offset: start)
    }
    return .number(value)
  }

  private mutating func skipDigits() -> Int {
    let start = index
    while let byte = current, (0x30...0x39).contains(byte) { index += 1 }
    return index - start
  }

  private mutating func string() throws(JSONError) -> String {
    let start = index
    index += 1
    var text: [UInt8] = []
    while true {
      guard let byte = current else {
        throw JSONError(message: "a string without its closing '\"'", offset: start)
      }
      index += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let result = String(validating: text, as: UTF8.self) else {
          throw JSONError(message: "a string that is not valid UTF-8", offset: start)
        }
        return result
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20:
        index -= 1
        throw error("a control character inside a string")
      default: text.append(byte)
      }
    }
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
    let letter = current
    index += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter ?? 0)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var code = UInt32(try hexadecimal())
      if (0xD800..<0xDC00).contains(code), current == UInt8(ascii: "\\"),
        index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "u")
      {
        index += 2
        let low = UInt32(try hexadecimal())
        guard (0xDC00..<0xE000).contains(low) else { throw error("an unpaired surrogate") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = UnicodeScalar(code) else { throw error("an unpaired surrogate") }
      text.append(contentsOf: String(Character(scalar)).utf8)
    default:
      index -= 1
      throw unexpected("an escape")
    }
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt16 {
    guard index + 4 <= bytes.count, bytes[index..<index + 4].allSatisfy({ $0 < 0x80 }),
      let digits = String(validating: bytes[index..<index + 4], as: UTF8.self),
      !digits.hasPrefix("+"), !digits.hasPrefix("-"), let value = UInt16(digits, radix: 16)
    else { throw error("'\\u' without four hexadecimal digits") }
    index += 4
    return value
  }
}
