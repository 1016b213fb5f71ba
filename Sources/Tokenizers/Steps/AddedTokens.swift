/// Tokens that a text has by name, such as `<|endoftext|>`.
enum AddedTokens {
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

  /// Appends the section of `NamedTokens`; returns its place, 0 for no tokens.
  static func write(_ tokens: [Token], to writer: inout TableWriter) -> UInt32 {
    let named = tokens.filter { !$0.content.isEmpty }
      .sorted { $0.content.count > $1.content.count }
    guard !named.isEmpty else { return 0 }
    var words = [UInt32(named.count)]
    for token in named {
      words += [
        UInt32(bitPattern: token.number),
        (token.stripsLeft ? 1 : 0) | (token.stripsRight ? 2 : 0) | (token.isWholeWord ? 4 : 0),
        writer.append(token.content.map(\.value)), UInt32(token.content.count),
      ]
    }
    return writer.append(words)
  }
}
