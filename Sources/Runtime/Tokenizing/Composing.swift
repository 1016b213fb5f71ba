/// Case and Unicode's normalization form C.
extension TokenMaker {
  /// Appends a scalar in lower case to ``spare``.
  private mutating func appendLower(_ scalar: UInt32) {
    if let lower = lowerCase.replacement(scalar) {
      spare.append(lower.text, count: lower.count)
    } else {
      spare.append(scalar)
    }
  }

  /// Each scalar in lower case by itself, as Rust's `char::to_lowercase`: a final sigma is a sigma.
  mutating func lowerPartOneByOne() {
    spare.truncate(to: 0)
    for index in 0..<part.count { appendLower(part[index]) }
    replacePart()
  }

  /// Lower case as Python's `str.lower` has it: a capital sigma at the end of a word becomes `ς`,
  /// by Unicode's condition `Final_Sigma`.
  mutating func lowerPart() {
    spare.truncate(to: 0)
    for index in 0..<part.count {
      if part[index] == 0x3A3 {
        spare.append(isFinal(index) ? 0x3C2 : 0x3C3)
      } else {
        appendLower(part[index])
      }
    }
    replacePart()
  }

  /// `true` iff a cased letter is before and none behind; letters that case ignores do not count.
  private func isFinal(_ index: Int) -> Bool {
    var before = index &- 1
    while before >= 0, has(part[before], .caseIgnorable) { before &-= 1 }
    guard before >= 0, has(part[before], .cased) else { return false }
    var behind = index &+ 1
    while behind < part.count, has(part[behind], .caseIgnorable) { behind &+= 1 }
    return behind == part.count || !has(part[behind], .cased)
  }

  /// Makes ``part`` of form C (Unicode Standard Annex 15): decomposed, marks in order, composed.
  mutating func composePart() {
    // No scalar below U+0300 changes or composes with another.
    var first = 0
    while first < part.count, part[first] < 0x300 { first &+= 1 }
    guard first < part.count else { return }
    let classes = ScalarRuns(words: table.section(.combiningClasses))
    decomposePart(classes)
    guard !spare.isShort else { return }
    composeSpare(classes)
    replacePart()
  }

  /// Decomposes ``part`` into ``spare``.
  private mutating func decomposePart(_ classes: ScalarRuns) {
    let decompositions = ScalarMap(words: table.section(.decompositions))
    spare.truncate(to: 0)
    for index in 0..<part.count {
      let scalar = part[index]
      if Hangul.isSyllable(scalar) {
        let letters = Hangul.letters(scalar)
        spare.append(letters.0)
        spare.append(letters.1)
        if letters.2 != 0 { spare.append(letters.2) }
      } else if let parts = decompositions.replacement(scalar) {
        spare.append(parts.text, count: parts.count)
      } else {
        spare.append(scalar)
      }
    }
    guard !spare.isShort else { return }
    var start = 0
    while start < spare.count {
      guard classes.bits(spare[start]) != 0 else {
        start &+= 1
        continue
      }
      var end = start &+ 1
      while end < spare.count, classes.bits(spare[end]) != 0 { end &+= 1 }
      if end &- start > 1 { orderMarks(classes, start, end) }
      start = end
    }
  }

  /// Sorts marks of ``spare`` by their classes, equal ones in their order: a round for each class
  /// that is there, so that no text of marks takes longer than 255 times its length.
  private mutating func orderMarks(_ classes: ScalarRuns, _ start: Int, _ end: Int) {
    var isOrdered = true
    for index in (start &+ 1)..<end
    where classes.bits(spare[index &- 1]) > classes.bits(spare[index]) {
      isOrdered = false
    }
    guard !isOrdered else { return }
    let top = stack.count
    var done: UInt32 = 0
    while stack.count &- top < end &- start {
      var least: UInt32 = 256
      for index in start..<end {
        let bits = classes.bits(spare[index])
        if bits > done, bits < least { least = bits }
      }
      for index in start..<end where classes.bits(spare[index]) == least {
        stack.append(spare[index])
      }
      guard !stack.isShort else { return }
      done = least
    }
    for index in start..<end { spare[index] = stack[top &+ index &- start] }
    stack.truncate(to: top)
  }

  /// Composes ``spare`` in place.
  private mutating func composeSpare(_ classes: ScalarRuns) {
    let pairs = ScalarPairs(words: table.section(.compositions))
    var count = 0
    var starter = -1
    var lastClass: UInt32 = 0
    for index in 0..<spare.count {
      let scalar = spare[index]
      let bits = classes.bits(scalar)
      // A mark of the same class, or a higher one, between it and the starter blocks it.
      if starter >= 0, count == starter &+ 1 || lastClass < bits,
        let composite = pairs.composite(spare[starter], scalar)
      {
        spare[starter] = composite
        continue
      }
      if bits == 0 { starter = count }
      lastClass = bits
      spare[count] = scalar
      count &+= 1
    }
    spare.truncate(to: count)
  }
}
