import Foundation
import IR
import Testing

@testable import Models

@Suite struct JSONTests {
  @Test func readsEveryKind() throws {
    let text = """
      {"a": [1, -2, 3.5, 1e3, 18446744073709551616], "b": {"c": null, "d": true, "e": false},
       "s": "\\u00e9\\n\\ud83d\\ude00 \\"\\\\\\/", "": []}
      """
    #expect(
      try JSONReader.read(Array(text.utf8))
        == .object([
          "a": .array([
            .integer(1), .integer(-2), .number(3.5), .number(1000), .number(0x1p64),
          ]),
          "b": .object(["c": .null, "d": .bool(true), "e": .bool(false)]),
          "s": .string("é\n😀 \"\\/"), "": .array([]),
        ]))
  }

  @Test(arguments: [
    ("", "the text ends where a value should stand", 0),
    ("{", "the text ends where a key should stand", 1),
    ("{\"a\":1,}", "'}' where a key should stand", 7),
    ("[1,]", "']' where a value should stand", 3),
    ("[1 2]", "'2' where ',' or ']' should stand", 3),
    ("{\"a\":1,\"a\":2}", "duplicate key 'a'", 7),
    ("\"abc", "a string without its closing '\"'", 0),
    ("\"a\u{1}\"", "a control character inside a string", 2),
    ("\"\\x\"", "'x' where an escape should stand", 2),
    ("\"\\u12g4\"", "'\\u' without four hexadecimal digits", 3),
    ("\"\\ud800\"", "an unpaired surrogate", 7),
    ("nul", "'n' where a value should stand", 0),
    ("-", "the text ends where a digit should stand", 1),
    ("1.", "the text ends where a digit should stand", 2),
    ("01", "a number with a leading zero", 0),
    ("[-1e999]", "the number '-1e999' is too large", 1),
    ("1 x", "unexpected text after the value", 2),
    ("NaN", "'N' where a value should stand", 0),
  ])
  func refuses(text: String, message: String, offset: Int) throws {
    let error = #expect(throws: JSONError.self) { _ = try JSONReader.read(Array(text.utf8)) }
    #expect(error == JSONError(message: message, offset: offset))
  }

  @Test func refusesDepthAndBadUTF8() {
    let deep = Array(repeating: UInt8(ascii: "["), count: 100_000)
    #expect(throws: JSONError(message: "nested deeper than 64", offset: 64)) {
      _ = try JSONReader.read(deep)
    }
    #expect(throws: JSONError(message: "a string that is not valid UTF-8", offset: 0)) {
      _ = try JSONReader.read([0x22, 0xFF, 0x22])
    }
  }
}
