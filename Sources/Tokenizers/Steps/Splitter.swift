import Tokenizing

/// A step that divides a text into words, or changes the words; named as the library `tokenizers`
/// names them (`pre_tokenizers`).
///
/// What each does says ``SplitterCode``.
enum Splitter: Sendable {
  /// The words that CLIP's regular expression matches; what is between them is left out.
  case clipWords(ClipWordRule)
  /// Each byte becomes the letter that stands for it; words as GPT-2 divides them.
  case byteLetters
  /// Before each blank or behind it, see ``BlankSplit``.
  case blanks(BlankSplit)
  /// What is between white space.
  case whiteSpace
  /// Blanks become `▁`, one is put before the text, and words begin with it.
  case metaspace(mark: Unicode.Scalar, prepends: Prepending, splits: Bool)

  /// What becomes of the blanks that words are divided at.
  enum BlankSplit: String, Sendable {
    /// The end of the word before.
    case mergedWithPrevious = "MergedWithPrevious"
    /// The beginning of the word behind.
    case mergedWithNext = "MergedWithNext"
    /// Words of their own.
    case isolated = "Isolated"
    /// Nothing.
    case removed = "Removed"
  }

  /// Where a mark is put before a text that begins with none.
  enum Prepending: String, Sendable {
    /// Before each word that comes in.
    case always
    /// Before the first of the text.
    case first
    /// Nowhere.
    case never
  }

  /// Appends what the step asks for; returns its four words.
  func write(to writer: inout TableWriter) -> [UInt32] {
    func words(_ code: SplitterCode, _ values: [UInt32] = []) -> [UInt32] {
      [code.rawValue] + values + Array(repeating: 0, count: 3 - values.count)
    }
    return switch self {
    case .clipWords(let rule):
      words(
        .clipWords,
        [
          writer.append(texts: rule.specials.map { $0.map(\.value) }), rule.ignoresCase ? 1 : 0,
        ])
    case .byteLetters: words(.byteLetters)
    case .blanks(.mergedWithPrevious): words(.blanksWithPrevious)
    case .blanks(.mergedWithNext): words(.blanksWithNext)
    case .blanks(.isolated): words(.blanksIsolated)
    case .blanks(.removed): words(.blanksRemoved)
    case .whiteSpace: words(.whiteSpace)
    case .metaspace(let mark, let prepends, let splits):
      words(
        .metaspace,
        [
          mark.value, prepends == .always ? 2 : prepends == .first ? 1 : 0, splits ? 1 : 0,
        ])
    }
  }

  /// How many scalars it makes of one at most.
  var growth: Int {
    switch self {
    // A letter for each byte.
    case .byteLetters: 4
    // A mark before each word.
    case .metaspace: 2
    case .clipWords, .blanks, .whiteSpace: 1
    }
  }

  /// Of Unicode's tables, what it asks for.
  var needs: UnicodeNeeds {
    switch self {
    case .clipWords(let rule): rule.ignoresCase ? [.words, .lowerCase] : .words
    case .byteLetters: .words
    case .whiteSpace: .space
    case .blanks, .metaspace: []
    }
  }
}
