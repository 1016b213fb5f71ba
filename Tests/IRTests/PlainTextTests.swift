import Diagnostics
import Testing

/// What comes from files cannot act on a terminal.
@Suite struct PlainTextTests {
  @Test(arguments: [
    ("plain ü 猫 👨‍👩‍👧 שלום", "plain ü 猫 👨‍👩‍👧 שלום"), ("a\nb\tc\r", "a\\nb\\tc\\r"),
    ("\u{1B}[2J", "\\u{1B}[2J"), ("\u{7F}\u{9B}", "\\u{7F}\\u{9B}"),
    ("\u{202E}cba\u{2066}\u{200F}", "\\u{202E}cba\\u{2066}\\u{200F}"),
    ("\u{2028}\u{FEFF}\0", "\\u{2028}\\u{FEFF}\\u{0}"),
  ])
  func escapes(text: String, shown: String) {
    #expect(PlainText.escaped(text) == shown)
  }

  @Test func keepsLines() {
    #expect(PlainText.escapedLines("a\u{1B}\n\tb\n") == "a\\u{1B}\n\\tb\n")
  }

  @Test func keepsJSON() {
    #expect(PlainText.escapedJSON("[\n  \"\u{202E}\u{85}ü\"\n]") == "[\n  \"\\u202e\\u0085ü\"\n]")
  }

  @Test func diagnosticsAreLines() {
    let diagnostic = Diagnostic(
      "no '\u{1B}[31m\n'", at: .tensor("a\nerror: b", file: "\u{202E}f"),
      notes: ["first\nsecond \u{8}"], listing: ["  %x\n"], hint: "say\nmore")
    #expect(
      diagnostic.description == """
        \\u{202E}f: tensor 'a\\nerror: b': error: no '\\u{1B}[31m\\n'
          note: first\\nsecond \\u{8}
          %x\\n
          hint: say\\nmore
        """)
  }

  /// Nobody reads 11 KB of names.
  @Test func longLinesAreCut() {
    let long = String(repeating: "é", count: 79_980 + 1985)
    let diagnostic = Diagnostic(
      "unknown \(long)", at: .file(String(repeating: "f", count: 3000)), notes: [long], hint: long)
    let lines = diagnostic.description.split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines.allSatisfy { $0.count < 4200 })
    // "error: unknown " are 15 of the 2000 that are shown.
    #expect(lines[0].hasSuffix("é… and 79980 characters more"))
    let short = Diagnostic("a", notes: [String(repeating: "é", count: 2000)]).description
    #expect(!short.contains("…"))
  }

  @Test func bytesThatAreNoText() {
    #expect(PlainText.shown([0x61, 0x20, 0x7E, 0xFF, 0x0A, 0x5C]) == "a ~\\xFF\\x0A\\")
  }
}
