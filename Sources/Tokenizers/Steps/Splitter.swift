/// A step that divides a text into words, or changes the words; named as the library `tokenizers`
/// names them (`pre_tokenizers`).
enum Splitter: Sendable {
  /// The words that CLIP's regular expression matches; what is between them is left out.
  case clipWords(ClipWords)
  /// Each byte becomes the letter that stands for it (``ByteAlphabet``); words as GPT-2 divides
  /// them.
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

  /// The words of a word; `isFirst` iff the text begins with it.
  func words(_ text: Scalars, isFirst: Bool) -> [Scalars] {
    switch self {
    case .clipWords(let words): words.words(text)
    case .byteLetters: ClipWords.gpt2Words(text).map(ByteAlphabet.letters)
    case .blanks(let split): Self.atBlanks(text, split)
    case .whiteSpace: text.split { $0.isSpace }.map(Scalars.init)
    case .metaspace(let mark, let prepends, let splits):
      Self.metaspaced(text, mark, prepends, splits, isFirst)
    }
  }

  private static func atBlanks(_ text: Scalars, _ split: BlankSplit) -> [Scalars] {
    var words: [Scalars] = []
    var word: Scalars = []
    func close() {
      if !word.isEmpty { words.append(word) }
      word = []
    }
    for scalar in text {
      guard scalar == " " else {
        word.append(scalar)
        continue
      }
      switch split {
      case .mergedWithPrevious:
        word.append(scalar)
        close()
      case .mergedWithNext:
        close()
        word.append(scalar)
      case .isolated:
        close()
        words.append([scalar])
      case .removed: close()
      }
    }
    close()
    return words
  }

  private static func metaspaced(
    _ text: Scalars, _ mark: Unicode.Scalar, _ prepends: Prepending, _ splits: Bool, _ isFirst: Bool
  ) -> [Scalars] {
    var marked = text.map { $0 == " " ? mark : $0 }
    if prepends == .always || prepends == .first && isFirst, marked.first != mark, !marked.isEmpty {
      marked.insert(mark, at: 0)
    }
    guard splits else { return marked.isEmpty ? [] : [marked] }
    var words: [Scalars] = []
    var word: Scalars = []
    for scalar in marked {
      if scalar == mark, !word.isEmpty {
        words.append(word)
        word = []
      }
      word.append(scalar)
    }
    if !word.isEmpty { words.append(word) }
    return words
  }
}
