/// Words: steps that divide a text, or change the words.
extension TokenMaker {
  /// Applies the splitters from `step` on to a word on the ``stack``, and appends the pieces of
  /// what they make.
  mutating func split(_ from: Int, _ to: Int, step: Int) {
    guard !stack.isShort else { return }
    guard let steps = table.section(.splitters), step < Int(steps[0]) else {
      return appendWord(from, to)
    }
    let bit = UInt32(1) &<< UInt32(truncatingIfNeeded: step)
    let isFirst = startsText && splittersSeen & bit == 0
    splittersSeen |= bit
    let words = steps + 1 + 4 * step
    switch words[0] {
    case SplitterCode.clipWords.rawValue:
      splitClipWords(
        from, to, step, ClipWords(TextList(table, at: Int(words[1])), ignoresCase: words[2] != 0))
    case SplitterCode.byteLetters.rawValue: splitByteLetters(from, to, step)
    case SplitterCode.whiteSpace.rawValue: splitAtSpace(from, to, step)
    case SplitterCode.metaspace.rawValue:
      let isMarked = words[2] == 2 || words[2] == 1 && isFirst
      splitMarked(from, to, step, mark: words[1], isMarked: isMarked, splits: words[3] != 0)
    default: splitAtBlanks(from, to, step, words[0])
    }
  }

  private mutating func splitClipWords(_ from: Int, _ to: Int, _ step: Int, _ words: ClipWords) {
    var index = from
    while index < to {
      let end = words.end(self, stack, index, to)
      if end > index { split(index, end, step: step &+ 1) }
      index = max(end, index &+ 1)
    }
  }

  private mutating func splitByteLetters(_ from: Int, _ to: Int, _ step: Int) {
    let words = ClipWords(TextList(table, at: 0), ignoresCase: false)
    let top = stack.count
    var index = from
    while index < to {
      let end = words.gpt2End(self, stack, index, to)
      appendByteLetters(index, end)
      split(top, stack.count, step: step &+ 1)
      stack.truncate(to: top)
      index = end
    }
  }

  /// Puts the letters that stand for the bytes of a word on the ``stack``.
  ///
  /// They are those of byte-level vocabularies, GPT-2's `bytes_to_unicode`: printable bytes are
  /// themselves in Latin-1, the other 68 are U+0100 and following, in order.
  mutating func appendByteLetters(_ from: Int, _ to: Int) {
    word.truncate(to: 0)
    for index in from..<to { UTF8Bytes.append(stack[index], to: &word) }
    for index in 0..<word.count { stack.append(TokenMaker.letter(word[index])) }
  }

  /// The letter that stands for a byte.
  static func letter(_ byte: UInt8) -> UInt32 {
    let value = UInt32(byte)
    switch value {
    case 0...0x20: return 0x100 &+ value
    case 0x7F...0xA0: return 0x121 &+ value &- 0x7F
    case 0xAD: return 0x143
    default: return value
    }
  }

  private mutating func splitAtSpace(_ from: Int, _ to: Int, _ step: Int) {
    var start = from
    for index in from..<to where isSpace(stack[index]) {
      if index > start { split(start, index, step: step &+ 1) }
      start = index &+ 1
    }
    if to > start { split(start, to, step: step &+ 1) }
  }

  private mutating func splitAtBlanks(_ from: Int, _ to: Int, _ step: Int, _ code: UInt32) {
    var start = from
    for index in from..<to where stack[index] == 0x20 {
      let end = code == SplitterCode.blanksWithPrevious.rawValue ? index &+ 1 : index
      if end > start { split(start, end, step: step &+ 1) }
      if code == SplitterCode.blanksIsolated.rawValue {
        split(index, index &+ 1, step: step &+ 1)
      }
      start = code == SplitterCode.blanksWithNext.rawValue ? index : index &+ 1
    }
    if to > start { split(start, to, step: step &+ 1) }
  }

  private mutating func splitMarked(
    _ from: Int, _ to: Int, _ step: Int, mark: UInt32, isMarked: Bool, splits: Bool
  ) {
    guard to > from else { return }
    let top = stack.count
    let isThere = stack[from] == mark || stack[from] == 0x20
    if isMarked, !isThere { stack.append(mark) }
    for index in from..<to { stack.append(stack[index] == 0x20 ? mark : stack[index]) }
    let end = stack.count
    var start = top
    if splits {
      for index in top..<end where index > start && stack[index] == mark {
        split(start, index, step: step &+ 1)
        start = index
      }
    }
    if end > start { split(start, end, step: step &+ 1) }
    stack.truncate(to: top)
  }
}
