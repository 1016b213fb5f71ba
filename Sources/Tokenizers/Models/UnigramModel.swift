/// The unigram language model: the pieces whose scores, logarithms of probabilities, sum to the
/// most (Kudo 2018, https://arxiv.org/abs/1804.10959), by Viterbi's algorithm.
///
/// SentencePiece sums in `Float` and the library `tokenizers` in `Double`; ties go to the path that
/// was found first, the longer last piece. Both count a character that no piece is as 10 less than
/// the lowest score, and make one token of neighbors.
struct UnigramModel<Score: BinaryFloatingPoint & Sendable>: Sendable {
  /// All pieces that text may match.
  var pieces: PieceTable
  /// By the number of a piece.
  var scores: [Score]
  /// The unknown token's number.
  var unknown: Int32
  /// The lowest score of an ordinary piece.
  var lowestScore: Score
  /// `true` iff a character that no piece is becomes its bytes `<0xE4>`, all of which ``bytes``
  /// has.
  var bytes: [Int32]?

  /// What the path to a place in the text ends with.
  private struct Step {
    var start = -1
    var piece: Int32 = -1
    var score: Score = 0
  }

  /// Appends the numbers of the pieces of a text in UTF-8.
  func append(_ text: [UInt8], to numbers: inout [Int32]) {
    let found = best(text)
    var isOpen = false
    for (piece, range) in found {
      guard piece == unknown else {
        numbers.append(piece)
        isOpen = false
        continue
      }
      if let bytes {
        for index in range { numbers.append(bytes[Int(text[index])]) }
      } else if !isOpen {
        numbers.append(unknown)
        isOpen = true
      }
    }
  }

  /// The pieces of the best path, each with the bytes that it is.
  private func best(_ text: [UInt8]) -> [(Int32, Range<Int>)] {
    var steps = [Step](repeating: Step(), count: text.count + 1)
    let unknownScore = lowestScore - 10
    var start = 0
    while start < text.count {
      let character = UTF8Text.end(ofCharacterAt: start, text)
      let sofar = steps[start].score
      var isCovered = false
      var hash = PieceTable.emptyHash
      var end = start
      while end < text.count, end - start < pieces.longest {
        hash = PieceTable.hash(hash, text[end])
        end += 1
        guard let piece = pieces.number(text, start..<end, hash: hash) else { continue }
        let score = scores[Int(piece)] + sofar
        if steps[end].start < 0 || score > steps[end].score {
          steps[end] = Step(start: start, piece: piece, score: score)
        }
        if end == character { isCovered = true }
      }
      if !isCovered {
        let score = unknownScore + sofar
        if steps[character].start < 0 || score > steps[character].score {
          steps[character] = Step(start: start, piece: unknown, score: score)
        }
      }
      start = character
    }
    var found: [(Int32, Range<Int>)] = []
    var end = text.count
    while end > 0 {
      found.append((steps[end].piece, steps[end].start..<end))
      end = steps[end].start
    }
    return found.reversed()
  }
}
