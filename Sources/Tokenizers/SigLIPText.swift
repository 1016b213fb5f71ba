/// The texts of SigLIP: transformers' SiglipTokenizer over a SentencePiece model; what is done with
/// it says `SentencePieces` of Tokenizing.
struct SigLIPText: Sendable {
  let file: SentencePieceFile
  /// The text of the unknown token.
  let unknown: String
  let lowersCase: Bool
  let addedTokens: [AddedTokens.Token]

  /// Of Unicode's tables, what it asks for.
  var needs: UnicodeNeeds {
    UnicodeNeeds.space.union(lowersCase ? .finalSigma : []).union(addedTokens.needs)
  }

  /// Appends the normalization; `unknownCount` is how many pieces the unknown token's text has.
  func writeSteps(unknownCount: Int, to writer: inout TableWriter) {
    writer[.sentencePieces] = file.normalizer.write(
      lowersCase: lowersCase, unknown: Scalars(unknown), unknownCount: unknownCount, to: &writer)
  }
}
