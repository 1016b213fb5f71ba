/// What open_clip does to texts before they are divided.
extension TokenMaker {
  /// Cleans ``text``; `nil`: it is cleaned.
  mutating func clean() -> Outcome? {
    let cleaning = table.words[TokenField.cleaning.rawValue]
    guard cleaning != TextCleaning.none.rawValue else { return nil }
    part.truncate(to: 0)
    for index in 0..<text.count { part.append(text[index]) }
    guard !part.isShort else { return .noMemory }
    if let refusal = repair() { return refusal }
    switch cleaning {
    case TextCleaning.lower.rawValue:
      makeBlanksSingle()
      lowerPart()
    case TextCleaning.canonicalize.rawValue:
      for index in 0..<part.count where part[index] == 0x5F { part[index] = 0x20 }
      removePunctuation()
      lowerPart()
      makeBlanksSingle()
    default: makeBlanksSingle()
    }
    swap(&text, &part)
    return text.isShort || spare.isShort ? .noMemory : nil
  }

  /// Takes white space off both ends, and makes one blank of each run of it, as Python's
  /// `" ".join(text.split())`.
  mutating func makeBlanksSingle() {
    spare.truncate(to: 0)
    var isAfterBlank = false
    for index in 0..<part.count {
      if isPythonSpace(part[index]) {
        isAfterBlank = spare.count > 0
      } else {
        if isAfterBlank { spare.append(0x20) }
        isAfterBlank = false
        spare.append(part[index])
      }
    }
    replacePart()
  }

  /// Removes the ASCII punctuation that Python's `string.punctuation` lists.
  mutating func removePunctuation() {
    spare.truncate(to: 0)
    for index in 0..<part.count {
      switch part[index] {
      case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: break
      default: spare.append(part[index])
      }
    }
    replacePart()
  }

  /// What `ftfy.fix_text` and `html.unescape` make of ``part``, as open_clip calls them first:
  /// entities of HTML, ligatures, forms of full width and curly quotation marks become plain,
  /// escape sequences and control characters are removed, all in Unicode's form C.
  ///
  /// Two things are refused instead of done: to repair text that was read in a wrong encoding
  /// (``Misreading``), and entities other than `&amp;`, `&lt;`, `&gt;`, `&quot;`, `&apos;` and
  /// numbers.
  private mutating func repair() -> Outcome? {
    guard let section = table.section(.repair) else { return nil }
    let replacements = ScalarMap(words: table.section(at: Int(section[0])))
    let bareEntities = TextList(table, at: Int(section[1]))
    let misreading = Misreading(table, Int(section[2]))
    var isMarkup = false
    for index in 0..<part.count where part[index] == 0x3C { isMarkup = true }
    for _ in 0..<TokenMaker.mostRepairs {
      // What it was, behind which each step is compared at the end.
      text.truncate(to: 0)
      for index in 0..<part.count { text.append(part[index]) }
      if let refusal = replaceEntities(isMarkup: isMarkup, bareEntities) { return refusal }
      if misreading.isLikely(self, part) { return .misread }
      // A letter's ligature may hold what a quotation mark is: `ŉ` is replaced twice in one round.
      replaceScalars(replacements)
      replaceScalars(replacements)
      removeEscapes()
      removeControls()
      composePart()
      guard !part.isShort, !spare.isShort, !text.isShort, !stack.isShort else { return .noMemory }
      if isUnchanged { return nil }
    }
    return .nested
  }

  private var isUnchanged: Bool {
    guard part.count == text.count else { return false }
    for index in 0..<part.count where part[index] != text[index] { return false }
    return true
  }

  private mutating func replaceScalars(_ replacements: ScalarMap) {
    spare.truncate(to: 0)
    for index in 0..<part.count {
      if let other = replacements.replacement(part[index]) {
        spare.append(other.text, count: other.count)
      } else {
        spare.append(part[index])
      }
    }
    replacePart()
  }

  // MARK: - Entities

  private mutating func replaceEntities(
    isMarkup: Bool, _ bareEntities: TextList
  ) -> Outcome? {
    spare.truncate(to: 0)
    var index = 0
    while index < part.count {
      guard part[index] == 0x26 else {
        spare.append(part[index])
        index &+= 1
        continue
      }
      var end = index &+ 1
      while end < part.count, TokenMaker.isNameLetter(part[end]) { end &+= 1 }
      let isClosed = end < part.count && part[end] == 0x3B
      if isClosed, !isMarkup, let scalar = entity(index &+ 1, end) {
        spare.append(scalar)
        index = end &+ 1
        continue
      }
      let isNumber = end > index &+ 1 && part[index &+ 1] == 0x23
      guard !isNumber, !beginsWithBareEntity(index &+ 1, end, bareEntities),
        !isClosed || end == index &+ 1
      else { return .entity(from: index, to: isClosed ? end &+ 1 : end) }
      spare.append(0x26)
      index &+= 1
    }
    replacePart()
    return nil
  }

  private static func isNameLetter(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x23, 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: false
    }
  }

  private func beginsWithBareEntity(_ from: Int, _ to: Int, _ list: TextList) -> Bool {
    for number in 0..<list.count {
      let name = list.text(number)
      guard name.count <= to &- from else { continue }
      var isEqual = true
      for offset in 0..<name.count where name.scalars[offset] != part[from &+ offset] {
        isEqual = false
        break
      }
      if isEqual { return true }
    }
    return false
  }

  /// The character of `amp`, `#38` or `#x26`; `nil` for others, and for those numbers that HTML
  /// maps to others.
  private func entity(_ from: Int, _ to: Int) -> UInt32? {
    if isName(from, to, "amp") { return 0x26 }
    if isName(from, to, "lt") { return 0x3C }
    if isName(from, to, "gt") { return 0x3E }
    if isName(from, to, "quot") { return 0x22 }
    if isName(from, to, "apos") { return 0x27 }
    guard to > from, part[from] == 0x23 else { return nil }
    let isHexadecimal = to &- from > 1 && (part[from &+ 1] == 0x78 || part[from &+ 1] == 0x58)
    let (first, base): (Int, UInt32) = isHexadecimal ? (from &+ 2, 16) : (from &+ 1, 10)
    guard to > first else { return nil }
    var value: UInt32 = 0
    for index in first..<to {
      guard let digit = TokenMaker.digit(part[index]), digit < base, value <= 0x10_FFFF else {
        return nil
      }
      value = value &* base &+ digit
    }
    return value >= 0x20 && value <= 0x7E || value >= 0xA0 && value <= 0xD7FF ? value : nil
  }

  private static func digit(_ scalar: UInt32) -> UInt32? {
    switch scalar {
    case 0x30...0x39: scalar &- 0x30
    case 0x41...0x46: scalar &- 0x37
    case 0x61...0x66: scalar &- 0x57
    default: nil
    }
  }

  private func isName(_ from: Int, _ to: Int, _ name: StaticString) -> Bool {
    guard name.utf8CodeUnitCount == to &- from else { return false }
    for offset in 0..<(to &- from) where UInt32(name.utf8Start[offset]) != part[from &+ offset] {
      return false
    }
    return true
  }

  // MARK: - Escapes and controls

  /// Removes what controls terminals: `ESC [ digits and semicolons letter`.
  private mutating func removeEscapes() {
    spare.truncate(to: 0)
    var index = 0
    while index < part.count {
      if part[index] == 0x1B, index &+ 1 < part.count, part[index &+ 1] == 0x5B {
        var end = index &+ 2
        while end < part.count, part[end] == 0x3B || has(part[end], .decimal) { end &+= 1 }
        if end < part.count, part[end] < 0x80, isLetter(part[end]) {
          index = end &+ 1
          continue
        }
      }
      spare.append(part[index])
      index &+= 1
    }
    replacePart()
  }

  private mutating func removeControls() {
    spare.truncate(to: 0)
    for index in 0..<part.count {
      switch part[index] {
      case 0x00...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x206A...0x206F, 0xFEFF, 0xFFF9...0xFFFC: break
      default: spare.append(part[index])
      }
    }
    replacePart()
  }
}
