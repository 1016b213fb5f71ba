/// ftfy's test for text in UTF-8 that was read in another encoding (`ftfy.badness.is_bad`, version
/// 6.3.1): sequences of letters that such text has and other text hardly ever.
///
/// The section: a count, and for each sequence 1 iff it is at the beginning of a text, the number
/// of its classes, and their place, where each has two words: the place of its ranges and their
/// number. A class's ranges begin with a word of bits (1: what the ranges have not, 2: white space,
/// 4: letters, numbers and `_`), then come the first and last scalar of each.
struct Misreading {
  private let table: TokenTable
  private let words: UnsafePointer<UInt32>?

  init(_ table: TokenTable, _ index: Int) {
    self.table = table
    words = table.section(at: index)
  }

  /// `true` iff a text looks so.
  func isLikely(_ maker: TokenMaker, _ text: Buffer<UInt32>) -> Bool {
    guard let words else { return false }
    // What has ASCII alone cannot.
    var first = 0
    while first < text.count, text[first] < 0x80 { first &+= 1 }
    guard first < text.count else { return false }
    for index in 0..<text.count {
      for number in 0..<Int(words[0]) {
        let pattern = words + 1 + 3 * number
        guard pattern[0] == 0 || index == 0, Int(pattern[1]) <= text.count &- index else {
          continue
        }
        var isThere = true
        for place in 0..<Int(pattern[1])
        where !contains(
          maker, table.words + Int(pattern[2]) + 2 * place, text[index &+ place])
        {
          isThere = false
          break
        }
        if isThere { return true }
      }
    }
    return false
  }

  private func contains(
    _ maker: TokenMaker, _ letters: UnsafePointer<UInt32>, _ scalar: UInt32
  ) -> Bool {
    let ranges = table.words + Int(letters[0])
    if ranges[0] & 2 != 0, maker.isPythonSpace(scalar) { return true }
    if ranges[0] & 4 != 0, scalar == 0x5F || maker.isLetter(scalar) || maker.isNumber(scalar) {
      return true
    }
    var isIn = false
    for number in 0..<Int(letters[1])
    where ranges[1 &+ 2 &* number] <= scalar && scalar <= ranges[2 &+ 2 &* number] {
      isIn = true
      break
    }
    return isIn != (ranges[0] & 1 != 0)
  }
}
