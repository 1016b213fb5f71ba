/// A tokenizer of the library `tokenizers`: texts are divided at added tokens, normalized, divided
/// into words, each word into pieces.
extension TokenMaker {
  /// Appends the numbers of the pieces of ``text``.
  mutating func appendPipeline() {
    startsText = true
    var parts = NamedTokens(table, .rawTokens)
    while true {
      switch parts.next(self, text) {
      case .end: return
      case .token(let number): numbers.append(number)
      case .text(let from, let to):
        part.truncate(to: 0)
        for index in from..<to { part.append(text[index]) }
        applyNormalizers()
        guard !part.isShort, !spare.isShort else { return }
        appendPart()
      }
      startsText = false
    }
  }

  /// Appends the pieces of ``part``.
  private mutating func appendPart() {
    var parts = NamedTokens(table, .normalizedTokens)
    while true {
      switch parts.next(self, part) {
      case .end: return
      case .token(let number): numbers.append(number)
      case .text(let from, let to):
        stack.truncate(to: 0)
        for index in from..<to { stack.append(part[index]) }
        splittersSeen = 0
        split(0, stack.count, step: 0)
        guard !stack.isShort else { return }
      }
      startsText = false
    }
  }

  /// Appends the pieces of a word on the ``stack``, to which all steps have been applied.
  mutating func appendWord(_ from: Int, _ to: Int) {
    guard to > from else { return }
    word.truncate(to: 0)
    for index in from..<to { UTF8Bytes.append(stack[index], to: &word) }
    appendWordBytes()
  }

  /// Appends the pieces of ``word``.
  mutating func appendWordBytes() {
    guard !word.isShort else { return }
    if let section = table.section(.bytePairs) {
      appendPairs(BytePairs(table, section))
    } else if let section = table.section(.unigram) {
      appendUnigrams(Unigram(table, section))
    }
  }

  // MARK: - Normalizers

  /// Applies all normalizers to ``part``.
  mutating func applyNormalizers() {
    guard let steps = table.section(.normalizers) else { return }
    for index in 0..<Int(steps[0]) {
      let step = steps + 1 + 4 * index
      normalize(step[0], Int(step[1]), Int(step[2]))
      guard !part.isShort, !spare.isShort else { return }
    }
  }

  private mutating func normalize(_ code: UInt32, _ first: Int, _ second: Int) {
    switch code {
    case NormalizerCode.nfc.rawValue: composePart()
    case NormalizerCode.lowercase.rawValue: lowerPartOneByOne()
    case NormalizerCode.collapseSpace.rawValue: collapsePart { $0.isSpace($1) }
    case NormalizerCode.collapseBlanks.rawValue: collapsePart { $1 == 0x20 }
    case NormalizerCode.replace.rawValue: replaceInPart(first, second)
    case NormalizerCode.prepend.rawValue: prependToPart(first)
    case NormalizerCode.strip.rawValue: stripPart(left: first & 1 != 0, right: first & 2 != 0)
    case NormalizerCode.charsMap.rawValue: mapClustersOfPart(first)
    default: break
    }
  }

  /// Makes ``spare`` the part, and room for the next.
  mutating func replacePart() {
    swap(&part, &spare)
    spare.truncate(to: 0)
  }

  /// One blank for each run of what `isSpace` says.
  mutating func collapsePart(_ isBlank: (TokenMaker, UInt32) -> Bool) {
    spare.truncate(to: 0)
    var wasBlank = false
    for index in 0..<part.count {
      let blank = isBlank(self, part[index])
      if !blank { spare.append(part[index]) } else if !wasBlank { spare.append(0x20) }
      wasBlank = blank
    }
    replacePart()
  }

  private mutating func replaceInPart(_ first: Int, _ second: Int) {
    guard let old = table.section(at: first), old[0] > 0 else { return }
    let count = Int(old[0])
    spare.truncate(to: 0)
    var index = 0
    while index < part.count {
      var isEqual = count <= part.count &- index
      var offset = 0
      while isEqual, offset < count {
        isEqual = part[index &+ offset] == old[1 &+ offset]
        offset &+= 1
      }
      guard isEqual else {
        spare.append(part[index])
        index &+= 1
        continue
      }
      if let new = table.section(at: second) { spare.append(new + 1, count: Int(new[0])) }
      index &+= count
    }
    replacePart()
  }

  private mutating func prependToPart(_ first: Int) {
    guard part.count > 0, let text = table.section(at: first) else { return }
    spare.truncate(to: 0)
    spare.append(text + 1, count: Int(text[0]))
    for index in 0..<part.count { spare.append(part[index]) }
    replacePart()
  }

  private mutating func stripPart(left: Bool, right: Bool) {
    var (from, to) = (0, part.count)
    if left { while from < to, isSpace(part[from]) { from &+= 1 } }
    if right { while to > from, isSpace(part[to &- 1]) { to &-= 1 } }
    spare.truncate(to: 0)
    for index in from..<to { spare.append(part[index]) }
    replacePart()
  }
}
