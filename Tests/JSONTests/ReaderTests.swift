import JSON
import Testing

@Suite struct ReaderTests {
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

  /// Python's numbers, where they are asked for.
  @Test func readsNumbersThatAreNotFinite() throws {
    let text = "[NaN, Infinity, -Infinity, 1e999, -1]"
    guard case .array(let values) = try JSONReader.read(Array(text.utf8), allowsNonFinite: true)
    else { return #expect(Bool(false)) }
    guard case .number(let nan) = values[0] else { return #expect(Bool(false)) }
    #expect(nan.isNaN)
    #expect(
      Array(values[1...]) == [
        .number(.infinity), .number(-.infinity), .number(.infinity), .integer(-1),
      ])
    for wrong in ["nan", "Nan", "Inf", "-Inf", "-NaN", "+Infinity", "NaNx"] {
      #expect(throws: JSONError.self) {
        _ = try JSONReader.read(Array(wrong.utf8), allowsNonFinite: true)
      }
    }
  }

  @Test(arguments: [
    ("", "expected a value, found the end of the text", 0),
    ("{", "expected a key, found the end of the text", 1),
    ("{\"a\":1,}", "expected a key, found '}'", 7),
    ("[1,]", "expected a value, found ']'", 3),
    ("[1 2]", "expected ',' or ']', found '2'", 3),
    ("{\"a\":1,\"a\":2}", "duplicate key 'a'", 7),
    ("\"abc", "a string without its closing '\"'", 0),
    ("\"a\u{1}\"", "a control character inside a string", 2),
    ("\"\\x\"", "expected an escape, found 'x'", 2),
    ("\"\\u12g4\"", "'\\u' without four hexadecimal digits", 3),
    ("\"\\ud800\"", "an unpaired surrogate", 7),
    ("nul", "expected a value, found 'n'", 0),
    ("-", "expected a digit, found the end of the text", 1),
    ("1.", "expected a digit, found the end of the text", 2),
    ("01", "a number with a leading zero", 0),
    ("[-1e999]", "the number '-1e999' is too large", 1),
    ("1 x", "unexpected text after the value", 2),
    ("NaN", "expected a value, found 'N'", 0),
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
