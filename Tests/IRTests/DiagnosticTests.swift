import Diagnostics
import Testing

@Suite struct DiagnosticTests {
  @Test func `every place is written before the message`() {
    let places: [(Diagnostic.Location?, String)] = [
      (nil, "error: it is wrong"),
      (.file("a.vir"), "a.vir: error: it is wrong"),
      (.text(file: "a.vir", line: 3, column: 7), "a.vir:3:7: error: it is wrong"),
      (.tensor("head.weight", file: "m.bin"), "m.bin: tensor 'head.weight': error: it is wrong"),
      (.node("blocks.0"), "%blocks.0: error: it is wrong"),
      (.argument("--target"), "--target: error: it is wrong"),
    ]
    for (place, text) in places {
      #expect(Diagnostic("it is wrong", at: place).description == text)
    }
  }

  @Test func `notes and hint follow, a line each`() {
    let warning = Diagnostic(
      "it is odd", severity: .warning, at: .file("a"), notes: ["one"], hint: "mend it"
    ).adding(note: "two")
    #expect(
      warning.description == """
        a: warning: it is odd
          note: one
          note: two
          hint: mend it
        """)
  }

  @Test func `the nearest words are suggested, the nearest first`() {
    let words = ["layer_norm", "linear", "slice", "softmax", "scale"]
    #expect(Suggestion.nearest(to: "Scael", in: words) == ["scale"])
    #expect(Suggestion.nearest(to: "linaer", in: words) == ["linear"])
    #expect(Suggestion.nearest(to: "scce", in: words) == ["scale", "slice"])
    #expect(Suggestion.nearest(to: "x", in: ["a", "b", "c", "d"], limit: 2) == ["a", "b"])
    #expect(Suggestion.hint(for: "sofmax", in: words) == "did you mean 'softmax'?")
    #expect(Suggestion.hint(for: "convolution", in: words) == nil)
    #expect(Suggestion.hint(for: "", in: []) == nil)
    // Words of hostile files: a distance would take their product of lengths.
    let long = String(repeating: "a", count: 1 << 20)
    #expect(Suggestion.nearest(to: long, in: [long + "b", "a"]) == [])
    #expect(Suggestion.nearest(to: "aa", in: [long, "a"]) == ["a"])
  }
}
