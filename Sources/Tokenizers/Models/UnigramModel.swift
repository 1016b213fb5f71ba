/// A unigram language model as files have it; what is done with it says `Unigram` of Tokenizing.
///
/// SentencePiece sums scores in `Float`, and the library `tokenizers` in `Double`.
struct UnigramModel<Score: BinaryFloatingPoint & Sendable>: Sendable {
  /// All pieces that text may match.
  var pieces: PieceTable
  /// By the number of a piece.
  var scores: [Score]
  /// The unknown token's number.
  var unknown: Int32
  /// The lowest score of an ordinary piece.
  var lowestScore: Score
  /// What an unknown character becomes, by byte; `nil`: the unknown token.
  var bytes: [Int32]?

  /// Appends the section; returns its place.
  func write(to writer: inout TableWriter) -> UInt32 {
    func words(_ score: Double) -> [UInt32] {
      [UInt32(truncatingIfNeeded: score.bitPattern), UInt32(score.bitPattern >> 32)]
    }
    let isDouble = Score.self == Double.self
    let all = isDouble ? scores.flatMap { words(Double($0)) } : scores.map { Float($0).bitPattern }
    return writer.append(
      [pieces.write(to: &writer), UInt32(bitPattern: unknown), isDouble ? 1 : 0]
        + words(Double(lowestScore))
        + [
          writer.append(all),
          bytes.map { writer.append($0.map { UInt32(bitPattern: $0) }) } ?? 0,
        ])
  }
}
