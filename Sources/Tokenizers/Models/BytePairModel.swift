/// Byte-pair encoding: a word's characters, joined pair by pair, the pair that was learned first
/// joined first.
///
/// The arithmetic is that of the library `tokenizers` (`models/bpe`): of pairs of equal rank the
/// leftmost is joined first; a character that the vocabulary lacks becomes its bytes `<0xE4>` where
/// ``fallsBackToBytes``, else the unknown token.
///
/// Source: Sennrich, Haddow and Birch 2016, arXiv:1508.07909.
struct BytePairModel: Sendable {
  /// What a pair becomes.
  struct Merge: Sendable {
    /// When it was learned; lower is joined first.
    var rank: UInt32
    /// The number of the piece that both make.
    var piece: Int32
  }

  /// All pieces.
  var pieces: PieceTable
  /// By the numbers of left and right piece, see ``pair(_:_:)``.
  var merges: [UInt64: Merge]
  /// The unknown token's number.
  var unknown: Int32?
  /// `true` iff neighboring unknown characters make one token.
  var fusesUnknown = false
  /// `true` iff an unknown character becomes its bytes.
  var fallsBackToBytes = false
  /// `true` iff a word that is a piece is that piece, whatever the merges say.
  var ignoresMerges = false
  /// What the last character of a word has appended: `</w>` in CLIP's.
  var endOfWord: [UInt8] = []

  /// The key of a pair in ``merges``.
  static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// Appends the numbers of a word's pieces; `word` is UTF-8.
  func append(_ word: [UInt8], to numbers: inout [Int32]) {
    guard !word.isEmpty else { return }
    if ignoresMerges, let number = pieces.number(word) { return numbers.append(number) }
    var symbols = characters(word)
    join(&symbols)
    numbers += symbols
  }

  private func characters(_ word: [UInt8]) -> [Int32] {
    var symbols: [Int32] = []
    // Whether the last symbol is an unknown token that the next unknown character may join.
    var isOpen = false
    var start = 0
    while start < word.count {
      let end = UTF8Text.end(ofCharacterAt: start, word)
      let isLast = end == word.count
      let number =
        isLast && !endOfWord.isEmpty
        ? pieces.number(Array(word[start..<end]) + endOfWord) : pieces.number(word, start..<end)
      if let number {
        symbols.append(number)
        isOpen = false
      } else if fallsBackToBytes, let bytes = byteNumbers(word[start..<end]) {
        symbols += bytes
        isOpen = false
      } else if let unknown {
        if !(isOpen && fusesUnknown) { symbols.append(unknown) }
        isOpen = true
      }
      start = end
    }
    return symbols
  }

  private func byteNumbers(_ bytes: ArraySlice<UInt8>) -> [Int32]? {
    var numbers: [Int32] = []
    for byte in bytes {
      guard let number = pieces.number(Self.byteName(byte)) else { return nil }
      numbers.append(number)
    }
    return numbers
  }

  /// `<0x0A>`.
  static func byteName(_ byte: UInt8) -> [UInt8] {
    let digits = String(byte, radix: 16, uppercase: true)
    return Array("<0x\(digits.count < 2 ? "0" : "")\(digits)>".utf8)
  }

  private func join(_ symbols: inout [Int32]) {
    /// The rank of each symbol with the next.
    var ranks = (0..<max(0, symbols.count - 1)).map { rank(symbols[$0], symbols[$0 + 1]) }
    while true {
      var best = UInt32.max
      var place = -1
      for index in 0..<ranks.count where ranks[index] < best {
        best = ranks[index]
        place = index
      }
      guard place >= 0, let merge = merges[Self.pair(symbols[place], symbols[place + 1])] else {
        return
      }
      symbols[place] = merge.piece
      symbols.remove(at: place + 1)
      ranks.remove(at: place)
      if place > 0 { ranks[place - 1] = rank(symbols[place - 1], symbols[place]) }
      if place < ranks.count { ranks[place] = rank(symbols[place], symbols[place + 1]) }
    }
  }

  private func rank(_ left: Int32, _ right: Int32) -> UInt32 {
    merges[Self.pair(left, right)]?.rank ?? .max
  }
}
