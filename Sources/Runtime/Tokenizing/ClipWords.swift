/// The words of CLIP's tokenizers: the leftmost matches of
/// `special|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`, the first alternative that
/// matches; white space is between words.
///
/// Letters and numbers are Unicode's general categories; marks that are not composed with a letter
/// count with the punctuation, as in the expression.
struct ClipWords {
  /// The first alternatives, as they are written.
  let specials: TextList
  /// `true` iff case does not matter (open_clip): the long `ſ` then equals `s`, and the iota below
  /// a letter, U+0345, whose capital is a letter, matches neither letters nor what is none.
  let ignoresCase: Bool

  init(_ specials: TextList, ignoresCase: Bool) {
    (self.specials, self.ignoresCase) = (specials, ignoresCase)
  }

  /// Where the word that begins at an index ends; the index if none begins.
  func end(_ maker: TokenMaker, _ text: Buffer<UInt32>, _ index: Int, _ to: Int) -> Int {
    for number in 0..<specials.count {
      let special = specials.text(number)
      if isAt(maker, text, index, to, special.scalars, special.count) {
        return index &+ special.count
      }
    }
    let contraction = contraction(maker, text, index, to)
    if contraction > 0 { return index &+ contraction }
    let first = text[index]
    var end = index
    if maker.isLetter(first) {
      while end < to, maker.isLetter(text[end]) { end &+= 1 }
      return end
    }
    if maker.isNumber(first) { return index &+ 1 }
    while end < to, isOther(maker, text[end]), !(ignoresCase && text[end] == 0x345) { end &+= 1 }
    return end
  }

  /// Neither letter nor number nor white space.
  private func isOther(_ maker: TokenMaker, _ scalar: UInt32) -> Bool {
    let bits =
      ScalarClass.letter.rawValue | ScalarClass.number.rawValue | ScalarClass.space.rawValue
    return maker.classes.bits(scalar) & bits == 0
  }

  private func isAt(
    _ maker: TokenMaker, _ text: Buffer<UInt32>, _ index: Int, _ to: Int,
    _ wanted: UnsafePointer<UInt32>, _ count: Int
  ) -> Bool {
    guard count <= to &- index else { return false }
    for offset in 0..<count where !isEqual(maker, text[index &+ offset], wanted[offset]) {
      return false
    }
    return true
  }

  private func isEqual(_ maker: TokenMaker, _ found: UInt32, _ wanted: UInt32) -> Bool {
    if found == wanted { return true }
    guard ignoresCase else { return false }
    if found == 0x17F { return wanted == 0x73 }
    guard let lower = maker.lowerCase.replacement(found) else { return false }
    return lower.count == 1 && lower.text[0] == wanted
  }

  /// The length of one of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll`, `'d` at an index, else 0.
  private func contraction(
    _ maker: TokenMaker, _ text: Buffer<UInt32>, _ index: Int, _ to: Int
  ) -> Int {
    guard text[index] == 0x27, index &+ 1 < to else { return 0 }
    let first = text[index &+ 1]
    if isEqual(maker, first, 0x73) || isEqual(maker, first, 0x74) || isEqual(maker, first, 0x6D)
      || isEqual(maker, first, 0x64)
    {
      return 2
    }
    guard index &+ 2 < to else { return 0 }
    let second = text[index &+ 2]
    let isPair =
      isEqual(maker, first, 0x72) && isEqual(maker, second, 0x65)
      || isEqual(maker, first, 0x76) && isEqual(maker, second, 0x65)
      || isEqual(maker, first, 0x6C) && isEqual(maker, second, 0x6C)
    return isPair ? 3 : 0
  }

  /// Where the next part ends in GPT-2's division, which byte-level pre-tokenizers make once more:
  /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
  func gpt2End(_ maker: TokenMaker, _ text: Buffer<UInt32>, _ index: Int, _ to: Int) -> Int {
    let contraction = contraction(maker, text, index, to)
    if contraction > 0 { return index &+ contraction }
    // A blank belongs to the word behind it.
    let start = text[index] == 0x20 && index &+ 1 < to ? index &+ 1 : index
    let first = text[start]
    var end = start
    if maker.isLetter(first) {
      while end < to, maker.isLetter(text[end]) { end &+= 1 }
    } else if maker.isNumber(first) {
      while end < to, maker.isNumber(text[end]) { end &+= 1 }
    } else if !maker.isSpace(first) {
      while end < to, isOther(maker, text[end]) { end &+= 1 }
    } else {
      end = index
      while end < to, maker.isSpace(text[end]) { end &+= 1 }
      // `\s+(?!\S)`: the last white space before a word stays for what follows, if there is more.
      if end < to, end &- index > 1 { end &-= 1 }
    }
    return end
  }
}

extension TokenMaker {
  /// Appends the numbers of the pieces of ``text`` as open_clip's SimpleTokenizer does: words by
  /// CLIP's expression, letters for bytes, pairs joined.
  ///
  /// The texts of the special tokens are those of ``TokenField/rawTokens``.
  mutating func appendOpenCLIP() {
    guard let section = table.section(.rawTokens), let steps = table.section(.splitters) else {
      return
    }
    let words = ClipWords(TextList(table, at: Int(steps[2])), ignoresCase: true)
    stack.truncate(to: 0)
    for index in 0..<text.count { stack.append(text[index]) }
    guard !stack.isShort else { return }
    let count = stack.count
    var index = 0
    while index < count {
      let end = words.end(self, stack, index, count)
      if end > index, !appendSpecial(section, index, end) {
        appendByteLetters(index, end)
        guard !stack.isShort else { return }
        appendWord(count, stack.count)
        stack.truncate(to: count)
      }
      index = max(end, index &+ 1)
    }
  }

  /// Appends the number of a word that is a special token's text as it is written.
  private mutating func appendSpecial(
    _ section: UnsafePointer<UInt32>, _ from: Int, _ to: Int
  ) -> Bool {
    for number in 0..<Int(section[0]) {
      let token = section + 1 + 4 * number
      guard Int(token[3]) == to &- from else { continue }
      let content = table.words + Int(token[2])
      var isEqual = true
      for offset in 0..<(to &- from) where content[offset] != stack[from &+ offset] {
        isEqual = false
      }
      if isEqual {
        numbers.append(Int32(truncatingIfNeeded: token[0]))
        return true
      }
    }
    return false
  }
}
