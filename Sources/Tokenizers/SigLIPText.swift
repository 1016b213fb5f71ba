/// The texts of SigLIP: transformers' SiglipTokenizer over a SentencePiece model.
///
/// A text is canonicalized first, as big_vision does (`prompt_engineering.py`): lower case, no
/// ASCII punctuation, single blanks. To keep the blank before its first word, which SentencePiece
/// would strip, it is encoded behind the text of the unknown token, whose pieces are then taken
/// off.
struct SigLIPText: Sendable {
  let file: SentencePieceFile
  let lowersCase: Bool
  let addedTokens: AddedTokens
  /// The pieces of the unknown token's text.
  private let unknownCount: Int
  private let unknownText: Scalars

  init(
    _ file: SentencePieceFile, unknown: String, lowersCase: Bool, addedTokens: AddedTokens
  ) {
    self.file = file
    self.lowersCase = lowersCase
    self.addedTokens = addedTokens
    unknownText = Scalars(unknown)
    unknownCount = file.numbers(unknownText).count
  }

  private static let mark: Unicode.Scalar = "▁"

  /// The numbers of the pieces of a text, without its end.
  func numbers(_ text: Scalars) -> [Int32] {
    let marked = [Self.mark] + text.map { $0 == Self.mark ? " " : $0 }
    return addedTokens.parts(marked).flatMap { part -> [Int32] in
      switch part {
      case .token(let number): return [number]
      case .text(let text):
        let numbers = file.numbers(unknownText + canonical(text))
        return numbers.count >= unknownCount ? Array(numbers[unknownCount...]) : numbers
      }
    }
  }

  private func canonical(_ text: Scalars) -> Scalars {
    (lowersCase ? text.lowerCased : text).withoutPunctuation.withSingleBlanks
  }
}
