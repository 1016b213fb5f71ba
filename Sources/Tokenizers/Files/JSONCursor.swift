import Diagnostics
import JSON

/// Walks over a JSON text without making a value of it: vocabularies have hundreds of thousands of
/// entries, and keys that differ in bytes but are equal as Swift's strings.
struct JSONCursor {
  let bytes: [UInt8]
  let path: String
  private(set) var index = 0

  init(_ bytes: [UInt8], path: String) {
    self.bytes = bytes
    self.path = path
  }

  /// Calls `body` with each key of the object here; it must walk over the value.
  mutating func members(
    _ body: (_ key: [UInt8], inout JSONCursor) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    try expect("{")
    if accept("}") { return }
    repeat {
      let key = try string()
      try expect(":")
      try body(key, &self)
    } while accept(",")
    try expect("}")
  }

  /// Calls `body` at each element of the array here; it must walk over the element.
  mutating func elements(
    _ body: (inout JSONCursor) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    try expect("[")
    if accept("]") { return }
    repeat { try body(&self) } while accept(",")
    try expect("]")
  }

  /// The next byte that is not white space.
  mutating func peek() -> UInt8? {
    while index < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[index]) { index += 1 }
    return index < bytes.count ? bytes[index] : nil
  }

  /// Walks over a sign, if it is next.
  mutating func accept(_ sign: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: sign) else { return false }
    index += 1
    return true
  }

  /// Walks over a sign.
  mutating func expect(_ sign: Unicode.Scalar) throws(Diagnostic) {
    guard accept(sign) else { throw damaged("expected '\(sign)'", index) }
  }

  /// The bytes of the string here.
  mutating func string() throws(Diagnostic) -> [UInt8] {
    let start = index
    try expect("\"")
    let first = index
    while index < bytes.count, bytes[index] != UInt8(ascii: "\""),
      bytes[index] != UInt8(ascii: "\\")
    {
      index += 1
    }
    guard index < bytes.count else { throw damaged("a string without its closing '\"'", start) }
    if bytes[index] == UInt8(ascii: "\"") {
      defer { index += 1 }
      return Array(bytes[first..<index])
    }
    // With escapes: as the reader of whole values has them.
    index = first - 1
    guard case .string(let text) = try value() else { throw damaged("expected a string", start) }
    return Array(text.utf8)
  }

  /// The number here.
  mutating func number() throws(Diagnostic) -> Double {
    let start = index
    switch try value() {
    case .integer(let number): return Double(number)
    case .number(let number): return number
    default: throw damaged("expected a number", start)
    }
  }

  /// The number of a piece here: below the number of bytes, which are more than pieces, so that
  /// nothing need be made for a number that no vocabulary of this size has.
  mutating func pieceNumber() throws(Diagnostic) -> Int32 {
    _ = peek()
    let start = index
    // Nearly all are plain digits; nine of them fit.
    var number: Int32 = 0
    while index < bytes.count, (0x30...0x39).contains(bytes[index]), index - start < 9 {
      number = number * 10 + Int32(bytes[index] - 0x30)
      index += 1
    }
    guard index > start, index < bytes.count, !(0x30...0x39).contains(bytes[index]),
      ![UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(bytes[index])
    else { throw damaged("expected the number of a piece, below 1000000000", start) }
    guard Int(number) < bytes.count else {
      throw damaged(
        "the number of a piece is \(number) in a file of \(bytes.count) bytes, which cannot hold "
          + "as many pieces", start)
    }
    return number
  }

  /// The value here.
  mutating func value() throws(Diagnostic) -> JSONValue {
    _ = peek()
    let start = index
    try skip()
    do throws(JSONError) {
      return try JSONReader.read(Array(bytes[start..<index]), allowsNonFinite: true)
    } catch {
      throw damaged(error.message, start + error.offset)
    }
  }

  /// Walks over the value here; only brackets and strings are looked at.
  private mutating func skip() throws(Diagnostic) {
    var depth = 0
    let start = index
    repeat {
      guard let byte = peek() else { throw damaged("the text ends within a value", start) }
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        index += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        guard depth > 0 else { throw damaged("expected a value", index) }
        depth -= 1
        index += 1
      case UInt8(ascii: "\""): try skipString()
      case UInt8(ascii: ","), UInt8(ascii: ":"):
        guard depth > 0 else { throw damaged("expected a value", index) }
        index += 1
      default:
        while index < bytes.count, !Self.endsWord.contains(bytes[index]) { index += 1 }
      }
    } while depth > 0
  }

  private static let endsWord = Set(" \n\r\t,:]}[{\"".utf8)

  private mutating func skipString() throws(Diagnostic) {
    let start = index
    index += 1
    while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
      index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    guard index < bytes.count else { throw damaged("a string without its closing '\"'", start) }
    index += 1
  }

  /// That the text is not JSON, or not what it should be.
  func damaged(_ reason: String, _ offset: Int) -> Diagnostic {
    let (line, column) = JSONError(message: reason, offset: offset).position(in: bytes)
    return Diagnostic(
      "not a vocabulary: \(reason)", at: .text(file: path, line: line, column: column))
  }
}
