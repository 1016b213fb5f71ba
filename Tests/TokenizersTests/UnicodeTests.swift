@_spi(_Unicode) import Swift
import Testing
import Tokenizing

@testable import Tokenizers

/// What the tables of Unicode make of texts, against Swift's own strings, which they come from.
@Suite struct UnicodeTests {
  /// A table of one normalizer.
  private static func table(_ step: Normalizer) -> [UInt32] {
    let model = BytePairModel(pieces: PieceTable(), merges: [:])
    let pipeline = Pipeline(
      addedTokens: [], normalizers: [step], splitters: [], model: .bytePairs(model))
    return Tokenizer.Kind.pipeline(pipeline).table(
      cleaning: nil, frame: .init(), flags: [], length: 8, padding: 0)
  }

  /// What it makes of texts.
  private static func normalized(_ texts: [String], _ step: Normalizer) throws -> [[UInt32]] {
    try #require(
      table(step).withTokenMaker { maker in
        texts.map { text in
          let bytes = Array(text.utf8)
          guard maker.normalize(bytes, count: bytes.count) else { return [] }
          return (0..<maker.normalizedCount).map { maker.normalizedScalar($0) }
        }
      })
  }

  /// Every scalar behind a letter and a mark, so that it composes where it can.
  private static let scalars = (UInt32(1)...0x10_FFFF).compactMap { Unicode.Scalar($0) }
    .filter { $0.properties.generalCategory != .unassigned && !(0x2_0000...0x2_F7FF ~= $0.value) }

  @Test func composition() throws {
    let texts = Self.scalars.filter { $0.value < 0xE000 || $0.value > 0xF8FF }
      .map { String(String.UnicodeScalarView(["o", "\u{323}", $0, "\u{301}", $0])) }
    let found = try Self.normalized(texts, .nfc)
    var wrong: [String] = []
    for (text, found) in zip(texts, found) where text._nfc.map(\.value) != found {
      wrong.append(text)
    }
    // Tibetan vowels that begin with a mark when they are decomposed: Swift orders no marks across
    // them, which the standard asks for (section 3.11, D109), and Python does.
    #expect(texts.count > 100_000 && wrong.count == 3, "\(wrong.count): \(wrong.prefix(9))")
    let tibetan = "o\u{323}\u{F73}\u{301}\u{F73}"
    #expect(wrong.first == tibetan)
    #expect(
      try Self.normalized([tibetan], .nfc)
        == [[0x1ECD, 0xF71, 0xF71, 0xF72, 0xF72, 0x301]])
  }

  /// Marks in any order, Korean letters in any order, starters that compose.
  @Test func compositionOfSequences() throws {
    var random = SystemRandomNumberGenerator()
    let some =
      Self.scalars.filter { $0.properties.canonicalCombiningClass != .notReordered }
      + (0x1100...0x11FF).compactMap { Unicode.Scalar($0 as UInt32) }
      + [
        "o", "a", "\u{AC00}", "\u{AC01}", "\u{9C7}", "\u{9BE}", "\u{1100}", "\u{1161}", "\u{11A8}",
        "\u{212B}", "\u{1E69}", "\u{344}", "\u{FB2C}",
      ]
    let texts = (0..<20_000).map { _ in
      String(
        String.UnicodeScalarView(
          (0..<Int.random(in: 1...9, using: &random)).compactMap { _ in
            some.randomElement(using: &random)
          }))
    }
    for (text, found) in zip(texts, try Self.normalized(texts, .nfc)) {
      let wanted = text._nfc.map(\.value)
      #expect(wanted == found, "\(text.unicodeScalars.map(\.value))")
    }
  }

  @Test func lowerCase() throws {
    let texts = Self.scalars.map { String($0) }
    for (text, found) in zip(texts, try Self.normalized(texts, .lowercase)) {
      let scalar = text.unicodeScalars.first
      let wanted = scalar?.properties.lowercaseMapping.unicodeScalars.map(\.value)
      if wanted != found { Issue.record("\(text.debugDescription) \(found)") }
    }
  }

  /// A long text of hostile kinds takes no longer than its length allows.
  @Test(arguments: ["\u{323}\u{301}", "Σ'", "&amp;", "a", "\u{1100}\u{1161}", "﷽", " "])
  func longTexts(_ part: String) throws {
    let text = String(repeating: part, count: 20_000)
    for (name, request) in [
      ("clip", TokenizerRequest(folder: "", modelType: "clip", length: 77)),
      ("siglip2", TokenizerRequest(folder: "", modelType: "siglip2", length: 64)),
      (
        "openclip",
        TokenizerRequest(
          folder: "", modelType: "", length: 77,
          openCLIP: .init(usesTransformers: false, cleaning: nil))
      ),
    ] {
      var request = request
      request.folder = "\(TokenizerGoldens.folder)/\(name)"
      let tokenizer = try Tokenizer(request)
      let clock = ContinuousClock()
      let time = try clock.measure {
        let tokens = try tokenizer.tokens(text)
        #expect(tokens.numbers.count <= request.length)
      }
      // Without a heap, sorting by rounds and so on this takes minutes.
      #expect(time < .seconds(60), "\(name): \(time)")
    }
  }
}
