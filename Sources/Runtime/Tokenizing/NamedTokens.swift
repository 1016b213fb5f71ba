/// Tokens that a text has by name, such as `<|endoftext|>`: found before the text is divided into
/// words, as the library `tokenizers` does (`AddedVocabulary`): the leftmost, of those the longest.
///
/// The section: a count, and four words for each, longer ones first: its number, bits (1: takes
/// white space before it along, 2: behind it, 4: is none within a word), the place of its scalars
/// and how many there are.
struct NamedTokens {
  private let table: TokenTable
  private let words: UnsafePointer<UInt32>?
  private let count: Int
  /// Where the rest of the text begins.
  private var start = 0
  /// Where a token is looked for next.
  private var index = 0
  /// A token that comes behind the text before it.
  private var pending: Int32 = -1

  /// A part of a text.
  enum Part {
    case end
    case token(Int32)
    case text(from: Int, to: Int)
  }

  init(_ table: TokenTable, _ field: TokenField) {
    self.table = table
    words = table.section(field)
    count = words.map { Int($0[0]) } ?? 0
  }

  /// The next part of a text, which is the same in each call.
  mutating func next(_ maker: TokenMaker, _ text: Buffer<UInt32>) -> Part {
    if pending >= 0 {
      let number = pending
      pending = -1
      return .token(number)
    }
    if let words, count > 0 {
      while index < text.count {
        guard let token = token(words, text) else {
          index &+= 1
          continue
        }
        var (from, to) = (index, index &+ Int(token[3]))
        index = to
        if token[1] & 4 != 0, !isWhole(maker, text, from, to) { continue }
        if token[1] & 1 != 0 { while from > start, maker.isSpace(text[from &- 1]) { from &-= 1 } }
        if token[1] & 2 != 0 { while to < text.count, maker.isSpace(text[to]) { to &+= 1 } }
        let (textStart, number) = (start, Int32(truncatingIfNeeded: token[0]))
        start = to
        index = max(index, to)
        guard from > textStart else { return .token(number) }
        pending = number
        return .text(from: textStart, to: from)
      }
    }
    guard start < text.count else { return .end }
    let first = start
    start = text.count
    index = start
    return .text(from: first, to: start)
  }

  /// The token that begins at ``index``.
  private func token(
    _ words: UnsafePointer<UInt32>, _ text: Buffer<UInt32>
  ) -> UnsafePointer<UInt32>? {
    let first = text[index]
    for number in 0..<count {
      let token = words + 1 + 4 * number
      let content = table.words + Int(token[2])
      let length = Int(token[3])
      guard content[0] == first, length <= text.count &- index else { continue }
      var isEqual = true
      for offset in 1..<max(1, length) where content[offset] != text[index &+ offset] {
        isEqual = false
        break
      }
      if isEqual { return token }
    }
    return nil
  }

  private func isWhole(
    _ maker: TokenMaker, _ text: Buffer<UInt32>, _ from: Int, _ to: Int
  ) -> Bool {
    func isWord(_ scalar: UInt32) -> Bool {
      scalar == 0x5F || maker.has(scalar, .letter) || maker.has(scalar, .word)
    }
    return (from == 0 || !isWord(text[from &- 1])) && (to == text.count || !isWord(text[to]))
  }
}
