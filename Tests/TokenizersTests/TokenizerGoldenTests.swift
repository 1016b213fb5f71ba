import Diagnostics
import Testing
import Tokenizers

/// Every kind of tokenizer against the library that its folders come from, on 3300 texts.
@Suite struct TokenizerGoldenTests {
  static let requests: [(name: String, request: TokenizerRequest)] =
    [
      ("clip", "clip", 77), ("clip-json", "clip", 77), ("clip-as-written", "clip", 77),
      ("siglip", "siglip", 64), ("siglip2", "siglip2", 64), ("siglip2-fixed", "siglip", 64),
      ("metaclip2", "metaclip_2", 77),
    ].map { name, type, length in
      (
        name,
        TokenizerRequest(
          folder: "\(TokenizerGoldens.folder)/\(name)", modelType: type, length: length)
      )
    }
    + [("openclip", 77, false, nil), ("openclip-siglip", 64, true, "canonicalize")].map {
      name, length, usesTransformers, cleaning in
      (
        name,
        TokenizerRequest(
          folder: "\(TokenizerGoldens.folder)/\(name)", modelType: "", length: length,
          openCLIP: .init(usesTransformers: usesTransformers, cleaning: cleaning))
      )
    }

  @Test(arguments: requests.map(\.name))
  func equalsTheLibrary(_ name: String) throws {
    let request = try #require(Self.requests.first { $0.name == name }?.request)
    let tokenizer = try Tokenizer(request)
    let goldens = try TokenizerGoldens()
    let expected = try goldens.expected(name)
    #expect(goldens.texts.count >= 3000 && expected.hashes.count == goldens.texts.count)
    var wrong: [String] = []
    for (index, text) in goldens.texts.enumerated() {
      var found = (-1, 0, -1)
      var numbers: [Int32] = []
      do throws(Diagnostic) {
        numbers = try tokenizer.tokens(text).numbers
        found = (
          TokenizerGoldens.hash(numbers), numbers.count,
          TokenizerGoldens.hash(tokenizer.padded(numbers))
        )
      } catch {
        #expect(error.message.contains("which open_clip would"), "\(error)")
      }
      let wanted = (expected.hashes[index], expected.lengths[index], expected.padded[index])
      if found != wanted {
        wrong.append("\(index): \(text.debugDescription.prefix(200)) \(numbers) \(found) \(wanted)")
      }
    }
    let shown = wrong.prefix(12).joined(separator: "\n")
    #expect(wrong.isEmpty, "\(wrong.count) of \(goldens.texts.count): \(shown)")
  }
}
