/// Bits of all scalars, in runs of equal ones: a count, and for each run its first scalar times 256
/// plus its bits; the first run begins with scalar 0.
struct ScalarRuns {
  let words: UnsafePointer<UInt32>?

  /// The bits of a scalar; 0 without runs.
  func bits(_ scalar: UInt32) -> UInt32 {
    guard let words else { return 0 }
    // The first run that begins behind the scalar.
    var low = 1
    var high = Int(words[0]) &+ 1
    while low < high {
      let middle = (low &+ high) / 2
      if words[middle] &>> 8 <= scalar { low = middle &+ 1 } else { high = middle }
    }
    return low > 1 ? words[low &- 1] & 0xFF : 0
  }
}

/// Scalars that become others: a count n, n scalars in growing order, n + 1 places, where the
/// replacement of each begins behind the places, and the replacements.
struct ScalarMap {
  let words: UnsafePointer<UInt32>?

  /// What a scalar becomes; `nil`: itself.
  func replacement(_ scalar: UInt32) -> (text: UnsafePointer<UInt32>, count: Int)? {
    guard let words else { return nil }
    let count = Int(words[0])
    let keys = words + 1
    var low = 0
    var high = count
    while low < high {
      let middle = (low &+ high) / 2
      if keys[middle] < scalar { low = middle &+ 1 } else { high = middle }
    }
    guard low < count, keys[low] == scalar else { return nil }
    let places = keys + count
    let (from, to) = (Int(places[low]), Int(places[low &+ 1]))
    return (places + count + 1 + from, to &- from)
  }
}

/// Pairs of scalars that compose: a count n, n first ones, n second ones, n composites, in growing
/// order of the pairs.
///
/// Hangul's follow from arithmetic (Unicode 15, 3.12).
struct ScalarPairs {
  let words: UnsafePointer<UInt32>?

  /// What a pair composes to.
  func composite(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if let syllable = Hangul.composite(first, second) { return syllable }
    guard let words else { return nil }
    let count = Int(words[0])
    let (firsts, seconds) = (words + 1, words + 1 + count)
    var low = 0
    var high = count
    while low < high {
      let middle = (low &+ high) / 2
      if firsts[middle] < first || firsts[middle] == first && seconds[middle] < second {
        low = middle &+ 1
      } else {
        high = middle
      }
    }
    guard low < count, firsts[low] == first, seconds[low] == second else { return nil }
    return (seconds + count)[low]
  }
}

/// The arithmetic of Korean syllables (Unicode 15, 3.12): 19 leading letters by 21 vowels by 27
/// trailing letters or none.
enum Hangul {
  private static var leading: UInt32 { 0x1100 }
  private static var vowel: UInt32 { 0x1161 }
  private static var trailing: UInt32 { 0x11A7 }
  private static var syllable: UInt32 { 0xAC00 }
  private static var leadingCount: UInt32 { 19 }
  private static var vowelCount: UInt32 { 21 }
  private static var trailingCount: UInt32 { 28 }

  static func isSyllable(_ scalar: UInt32) -> Bool {
    scalar >= syllable && scalar &- syllable < leadingCount &* vowelCount &* trailingCount
  }

  /// The letters of a syllable; the last is 0 where there are two.
  static func letters(_ scalar: UInt32) -> (UInt32, UInt32, UInt32) {
    let index = scalar &- syllable
    let last = index % trailingCount
    return (
      leading &+ index / (vowelCount &* trailingCount),
      vowel &+ index / trailingCount % vowelCount, last == 0 ? 0 : trailing &+ last
    )
  }

  static func composite(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if first >= leading, first &- leading < leadingCount, second >= vowel,
      second &- vowel < vowelCount
    {
      return syllable &+ ((first &- leading) &* vowelCount &+ (second &- vowel)) &* trailingCount
    }
    if isSyllable(first), (first &- syllable) % trailingCount == 0, second > trailing,
      second &- trailing < trailingCount
    {
      return first &+ (second &- trailing)
    }
    return nil
  }

  /// `true` iff a cluster does not end between two scalars of Korean.
  static func joins(_ first: UInt32, _ second: UInt32) -> Bool {
    func isIn(_ scalar: UInt32, _ ranges: (UInt32, UInt32), _ more: (UInt32, UInt32)) -> Bool {
      scalar >= ranges.0 && scalar <= ranges.1 || scalar >= more.0 && scalar <= more.1
    }
    func isLeading(_ scalar: UInt32) -> Bool { isIn(scalar, (0x1100, 0x115F), (0xA960, 0xA97C)) }
    func isVowel(_ scalar: UInt32) -> Bool { isIn(scalar, (0x1160, 0x11A7), (0xD7B0, 0xD7C6)) }
    func isTrailing(_ scalar: UInt32) -> Bool { isIn(scalar, (0x11A8, 0x11FF), (0xD7CB, 0xD7FB)) }
    let endsOpen = isSyllable(first) && (first &- syllable) % trailingCount == 0
    if isLeading(first) { return isLeading(second) || isVowel(second) || isSyllable(second) }
    if isVowel(first) || endsOpen { return isVowel(second) || isTrailing(second) }
    return (isTrailing(first) || isSyllable(first)) && isTrailing(second)
  }
}
