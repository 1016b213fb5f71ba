/// The texts of SigLIP: transformers' SiglipTokenizer over a SentencePiece model.
///
/// A text is canonicalized first, as big_vision does (`prompt_engineering.py`): lower case, no
/// ASCII punctuation, single blanks. To keep the blank before its first word, which SentencePiece
/// would strip, it is encoded behind the text of the unknown token, whose pieces are then taken
/// off.
///
/// The section: bits (1: a blank is put before texts, 2: extra blanks are removed, 4: blanks become
/// `▁`, 8: lower case), the table of normalizations, the texts of symbols that are kept as they
/// are, longer ones first, that of the unknown token (a count and scalars), and how many pieces it
/// has.
struct SentencePieces {
  let addsPrefix: Bool
  let removesExtraBlanks: Bool
  let escapesBlanks: Bool
  let lowersCase: Bool
  let map: CharsMap?
  let symbols: TextList
  let unknown: UnsafePointer<UInt32>?
  let unknownCount: Int

  init?(_ table: TokenTable) {
    guard let words = table.section(.sentencePieces) else { return nil }
    addsPrefix = words[0] & 1 != 0
    removesExtraBlanks = words[0] & 2 != 0
    escapesBlanks = words[0] & 4 != 0
    lowersCase = words[0] & 8 != 0
    map = table.section(at: Int(words[1])).map { CharsMap(table, $0) }
    symbols = TextList(table, at: Int(words[2]))
    unknown = table.section(at: Int(words[3]))
    unknownCount = Int(words[4])
  }

  /// The mark that stands for a blank, `▁`.
  static var mark: UInt32 { 0x2581 }
}

extension TokenMaker {
  /// Appends the numbers of the pieces of ``text``.
  mutating func appendSigLIP() {
    guard let pieces = SentencePieces(table) else { return }
    // A mark, and the text without any.
    spare.truncate(to: 0)
    spare.append(SentencePieces.mark)
    for index in 0..<text.count {
      spare.append(text[index] == SentencePieces.mark ? 0x20 : text[index])
    }
    swap(&text, &spare)
    guard !text.isShort else { return }
    var parts = NamedTokens(table, .rawTokens)
    while true {
      switch parts.next(self, text) {
      case .end: return
      case .token(let number): numbers.append(number)
      case .text(let from, let to):
        part.truncate(to: 0)
        for index in from..<to { part.append(text[index]) }
        appendCanonical(pieces)
        guard !part.isShort, !spare.isShort, !word.isShort else { return }
      }
    }
  }

  /// Appends the pieces of ``part``.
  private mutating func appendCanonical(_ pieces: SentencePieces) {
    if pieces.lowersCase { lowerPart() }
    removePunctuation()
    makeBlanksSingle()
    word.truncate(to: 0)
    if let unknown = pieces.unknown {
      for index in 0..<Int(unknown[0]) { UTF8Bytes.append(unknown[1 &+ index], to: &word) }
    }
    for index in 0..<part.count { UTF8Bytes.append(part[index], to: &word) }
    let start = numbers.count
    appendSentencePieces(pieces)
    guard numbers.count &- start >= pieces.unknownCount else { return }
    for index in (start &+ pieces.unknownCount)..<max(numbers.count, start &+ pieces.unknownCount) {
      numbers[index &- pieces.unknownCount] = numbers[index]
    }
    numbers.truncate(to: numbers.count &- pieces.unknownCount)
  }

  /// Appends the pieces of ``word``, normalized as SentencePiece does (`NormalizerSpec`;
  /// normalizer.cc): at each place the longest sequence of the table becomes what the table says,
  /// blanks become `▁`.
  mutating func appendSentencePieces(_ pieces: SentencePieces) {
    guard !word.isShort else { return }
    spareBytes.truncate(to: 0)
    normalizeWord(pieces)
    swap(&word, &spareBytes)
    appendWordBytes()
  }

  /// Normalizes ``word`` into ``spareBytes``.
  private mutating func normalizeWord(_ pieces: SentencePieces) {
    guard let text = word.elements else { return }
    let count = word.count
    var index = 0
    if pieces.removesExtraBlanks {
      while index < count {
        let found = prefix(pieces, text, index, count)
        guard found.count == 1, found.bytes[0] == 0x20 else { break }
        index &+= found.taken
      }
    }
    guard index < count else { return }
    if pieces.addsPrefix { appendBlank(pieces) }
    var isAfterBlank = pieces.removesExtraBlanks
    while index < count {
      let found = prefix(pieces, text, index, count)
      index &+= found.taken
      var first = 0
      while isAfterBlank, first < found.count, found.bytes[first] == 0x20 { first &+= 1 }
      for place in first..<max(first, found.count) {
        if found.bytes[place] == 0x20 {
          appendBlank(pieces)
        } else {
          spareBytes.append(found.bytes[place])
        }
      }
      if found.count > first {
        isAfterBlank = pieces.removesExtraBlanks && found.bytes[found.count &- 1] == 0x20
      }
    }
    if pieces.removesExtraBlanks { while removeLastBlank(pieces) {} }
  }

  private mutating func appendBlank(_ pieces: SentencePieces) {
    UTF8Bytes.append(pieces.escapesBlanks ? SentencePieces.mark : 0x20, to: &spareBytes)
  }

  private mutating func removeLastBlank(_ pieces: SentencePieces) -> Bool {
    let count = spareBytes.count
    guard pieces.escapesBlanks else {
      guard count > 0, spareBytes[count &- 1] == 0x20 else { return false }
      spareBytes.truncate(to: count &- 1)
      return true
    }
    guard count >= 3, spareBytes[count &- 3] == 0xE2, spareBytes[count &- 2] == 0x96,
      spareBytes[count &- 1] == 0x81
    else { return false }
    spareBytes.truncate(to: count &- 3)
    return true
  }

  /// What a text at an index becomes, and how many bytes that takes.
  private func prefix(
    _ pieces: SentencePieces, _ text: UnsafePointer<UInt8>, _ index: Int, _ count: Int
  ) -> (bytes: UnsafePointer<UInt8>, count: Int, taken: Int) {
    for number in 0..<pieces.symbols.count {
      let symbol = pieces.symbols.text(number)
      guard symbol.count <= count &- index else { continue }
      var isEqual = true
      for offset in 0..<symbol.count
      where symbol.scalars[offset] != UInt32(text[index &+ offset]) {
        isEqual = false
        break
      }
      if isEqual { return (text + index, symbol.count, symbol.count) }
    }
    if let found = pieces.map?.longest(text + index, count &- index) {
      return (found.bytes, found.count, found.taken)
    }
    let length = UTF8Bytes.end(ofCharacterAt: index, text, count) &- index
    return (text + index, length, length)
  }
}
