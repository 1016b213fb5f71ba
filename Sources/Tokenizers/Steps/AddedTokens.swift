/// Tokens that a text has by name, such as `<|endoftext|>`: found before the text is divided into
/// words, as the library `tokenizers` does (`AddedVocabulary`): the leftmost, of those the longest.
struct AddedTokens: Sendable {
  /// One token.
  struct Token: Sendable {
    /// What it is in a text.
    var content: Scalars
    /// Its number.
    var number: Int32
    /// `true` iff it is looked for in the normalized text, itself normalized.
    var isNormalized: Bool
    /// `true` iff it takes white space before it along.
    var stripsLeft = false
    /// `true` iff it takes white space behind it along.
    var stripsRight = false
    /// `true` iff it is none within a word.
    var isWholeWord = false
  }

  /// A part of a text: a token, or what is between tokens.
  enum Part {
    case token(Int32)
    case text(Scalars)
  }

  /// All tokens that are looked for; longer ones first.
  let tokens: [Token]

  init(_ tokens: [Token]) {
    self.tokens = tokens.filter { !$0.content.isEmpty }
      .sorted { $0.content.count > $1.content.count }
  }

  /// Divides a text at the tokens.
  func parts(_ text: Scalars) -> [Part] {
    guard !tokens.isEmpty else { return text.isEmpty ? [] : [.text(text)] }
    var parts: [Part] = []
    var (start, index) = (0, 0)
    while index < text.count {
      guard let token = tokens.first(where: { text[index...].starts(with: $0.content) }) else {
        index += 1
        continue
      }
      var (from, to) = (index, index + token.content.count)
      index = to
      if token.isWholeWord, !isWhole(text, from, to) { continue }
      if token.stripsLeft { while from > start, text[from - 1].isSpace { from -= 1 } }
      if token.stripsRight { while to < text.count, text[to].isSpace { to += 1 } }
      if from > start { parts.append(.text(Scalars(text[start..<from]))) }
      parts.append(.token(token.number))
      start = to
      index = max(index, to)
    }
    if start < text.count { parts.append(.text(Scalars(text[start...]))) }
    return parts
  }

  private func isWhole(_ text: Scalars, _ from: Int, _ to: Int) -> Bool {
    func isWord(_ scalar: Unicode.Scalar) -> Bool {
      scalar.isLetter || scalar.properties.generalCategory == .decimalNumber || scalar == "_"
        || scalar.properties.isAlphabetic
    }
    return (from == 0 || !isWord(text[from - 1])) && (to == text.count || !isWord(text[to]))
  }
}
