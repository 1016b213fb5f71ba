/// The words of CLIP's tokenizers: the leftmost matches of
/// `special|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`, the first alternative that
/// matches; white space is between words.
///
/// Letters and numbers are Unicode's general categories; marks that are not composed with a letter
/// count with the punctuation, as in the expression.
struct ClipWords: Sendable {
  /// The first alternatives, as they are written.
  var specials: [Scalars]
  /// `true` iff case does not matter (open_clip): the long `ſ` then equals `s`, and the iota below
  /// a letter, U+0345, whose capital is a letter, matches neither letters nor what is none.
  var ignoresCase: Bool

  /// transformers' CLIPTokenizer.
  static let transformers = ClipWords(
    specials: ["<|startoftext|>", "<|endoftext|>"].map { Scalars($0) }, ignoresCase: false)

  /// open_clip's SimpleTokenizer.
  static let openCLIP = ClipWords(
    specials: ["<start_of_text>", "<end_of_text>"].map { Scalars($0) }, ignoresCase: true)

  private static let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"]
    .map { Scalars($0) }

  /// The words of a text.
  func words(_ text: Scalars) -> [Scalars] {
    var words: [Scalars] = []
    var index = 0
    while index < text.count {
      let end = end(text, index)
      if end > index { words.append(Scalars(text[index..<end])) }
      index = max(end, index + 1)
    }
    return words
  }

  /// Where the word that begins at an index ends; the index if none begins.
  private func end(_ text: Scalars, _ index: Int) -> Int {
    for literal in specials + Self.contractions where isAt(text, index, literal) {
      return index + literal.count
    }
    let first = text[index]
    if first.isLetter { return run(text, index, \.isLetter) }
    if first.isNumber { return index + 1 }
    return run(text, index) {
      !$0.isSpace && !$0.isLetter && !$0.isNumber && !(ignoresCase && $0 == "\u{345}")
    }
  }

  private func isAt(_ text: Scalars, _ index: Int, _ literal: Scalars) -> Bool {
    guard index + literal.count <= text.count else { return false }
    return zip(text[index...], literal).allSatisfy { found, wanted in
      found == wanted
        || ignoresCase
          && (found.properties.lowercaseMapping.unicodeScalars.elementsEqual([wanted])
            || found == "\u{17F}" && wanted == "s")
    }
  }

  private func run(
    _ text: Scalars, _ index: Int, _ belongs: (Unicode.Scalar) -> Bool
  ) -> Int {
    text[index...].firstIndex { !belongs($0) } ?? text.count
  }

  /// GPT-2's division, which byte-level pre-tokenizers make once more:
  /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
  static func gpt2Words(_ text: Scalars) -> [Scalars] {
    let words = ClipWords(specials: [], ignoresCase: false)
    var found: [Scalars] = []
    var index = 0
    while index < text.count {
      var end = index
      if let literal = contractions.first(where: { words.isAt(text, index, $0) }) {
        end += literal.count
      } else {
        // A blank belongs to the word behind it.
        let start = text[index] == " " && index + 1 < text.count ? index + 1 : index
        let first = text[start]
        if first.isLetter {
          end = words.run(text, start, \.isLetter)
        } else if first.isNumber {
          end = words.run(text, start, \.isNumber)
        } else if !first.isSpace {
          end = words.run(text, start) { !$0.isSpace && !$0.isLetter && !$0.isNumber }
        } else {
          end = words.run(text, index, \.isSpace)
          // `\s+(?!\S)`: the last white space before a word stays for what follows, if there is
          // more.
          if end < text.count, end - index > 1 { end -= 1 }
        }
      }
      found.append(Scalars(text[index..<end]))
      index = end
    }
    return found
  }
}
