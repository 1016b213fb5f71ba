import Tokenizing

/// What of Unicode's tables a tokenizer asks for, so that a library holds nothing else.
struct UnicodeNeeds: OptionSet {
  let rawValue: Int

  /// White space.
  static let space = UnicodeNeeds(rawValue: 1)
  /// Letters, numbers and white space, which words are made by.
  static let words = UnicodeNeeds(rawValue: 3)
  /// Lower case, scalar by scalar.
  static let lowerCase = UnicodeNeeds(rawValue: 4)
  /// And the final sigma's condition.
  static let finalSigma = UnicodeNeeds(rawValue: 12)
  /// Normalization form C.
  static let composition = UnicodeNeeds(rawValue: 16)
  /// Clusters of scalars.
  static let clusters = UnicodeNeeds(rawValue: 32)
  /// What a word is, for tokens that are none within one.
  static let wholeWords = UnicodeNeeds(rawValue: 64)
  /// What ftfy asks for.
  static let repair = UnicodeNeeds(rawValue: 128 | 16 | 3)

  /// The bits of ``ScalarClass`` that are looked at.
  private var classes: UInt32 {
    func bits(_ need: UnicodeNeeds, _ classes: ScalarClass...) -> UInt32 {
      isSuperset(of: need) ? classes.reduce(0) { $0 | $1.rawValue } : 0
    }
    return bits(.space, .space) | bits(.words, .letter, .number)
      | bits(.finalSigma, .cased, .caseIgnorable) | bits(.wholeWords, .letter, .word)
      | bits(.repair, .decimal)
  }

  /// Appends the tables.
  func write(to writer: inout TableWriter) {
    if classes != 0 {
      writer[.classes] = writer.append(runs: UnicodeTables.classes(classes))
    }
    if contains(.lowerCase) { writer[.lowerCase] = writer.append(map: UnicodeTables.lowerCase) }
    if contains(.composition) {
      writer[.decompositions] = writer.append(map: UnicodeTables.decompositions)
      writer[.combiningClasses] = writer.append(runs: UnicodeTables.combiningClasses)
      let pairs = UnicodeTables.compositions
      writer[.compositions] = writer.append(
        [UInt32(pairs.count)] + pairs.map(\.first) + pairs.map(\.second) + pairs.map(\.composite))
    }
    if contains(.clusters) {
      writer[.clusters] = writer.append(runs: UnicodeTables.clusters)
    }
  }
}
