/// The unigram language model: the pieces whose scores, logarithms of probabilities, sum to the
/// most (Kudo 2018, https://arxiv.org/abs/1804.10959), by Viterbi's algorithm.
///
/// SentencePiece sums in `Float` and the library `tokenizers` in `Double`; ties go to the path that
/// was found first, the longer last piece. Both count a character that no piece is as 10 less than
/// the lowest score, and make one token of neighbors.
///
/// The section: a ``PieceIndex``'s, the unknown token's number, 1 iff sums are in `Double`, the
/// lowest score of an ordinary piece in two words, the place of the scores by number, a word or two
/// each, and the section of the numbers of bytes.
struct Unigram {
  let pieces: PieceIndex
  let unknown: Int32
  let unknownScore: Double
  /// By byte: what an unknown character becomes.
  let byteNumbers: UnsafePointer<UInt32>?
  private let isDouble: Bool
  private let scores: UnsafePointer<UInt32>

  init(_ table: TokenTable, _ section: UnsafePointer<UInt32>) {
    pieces = PieceIndex(table, table.words + Int(section[0]))
    unknown = Int32(truncatingIfNeeded: section[1])
    isDouble = section[2] != 0
    scores = table.words + Int(section[5])
    byteNumbers = table.section(at: Int(section[6]))
    let lowest = Unigram.double(section[3], section[4])
    unknownScore = isDouble ? lowest - 10 : Double(Float(lowest) - 10)
  }

  private static func double(_ low: UInt32, _ high: UInt32) -> Double {
    Double(bitPattern: UInt64(high) &<< 32 | UInt64(low))
  }

  /// The score of a path and a piece behind it.
  func sum(_ path: Double, piece: Int32) -> Double {
    let index = Int(piece)
    if isDouble { return Unigram.double(scores[2 &* index], scores[2 &* index &+ 1]) + path }
    return Double(Float(bitPattern: scores[index]) + Float(path))
  }

  /// The score of a path and an unknown character behind it.
  func sumUnknown(_ path: Double) -> Double {
    isDouble ? unknownScore + path : Double(Float(unknownScore) + Float(path))
  }
}

/// What the best path to a place in a text ends with.
struct PathEnd {
  /// Where its last piece begins; -1: no path is known.
  var start: Int32 = -1
  var piece: Int32 = -1
  var score: Double = 0
}

extension TokenMaker {
  /// Appends the numbers of the pieces of ``word``, UTF-8.
  mutating func appendUnigrams(_ model: Unigram) {
    let count = word.count
    ends.truncate(to: 0)
    for _ in 0...count { ends.append(PathEnd()) }
    guard count > 0, !ends.isShort, let text = word.elements else { return }
    var start = 0
    while start < count {
      let character = UTF8Bytes.end(ofCharacterAt: start, text, count)
      findPieces(model, text, start, character)
      start = character
    }
    // From the end of the text to its beginning, then in order.
    symbols.truncate(to: 0)
    var end = count
    while end > 0 {
      symbols.append(Int32(truncatingIfNeeded: end))
      end = Int(ends[end].start)
    }
    guard !symbols.isShort else { return }
    var isOpen = false
    for index in 0..<symbols.count {
      let end = Int(symbols[symbols.count &- 1 &- index])
      let piece = ends[end].piece
      guard piece == model.unknown else {
        numbers.append(piece)
        isOpen = false
        continue
      }
      if let known = model.byteNumbers {
        for place in Int(ends[end].start)..<end {
          numbers.append(Int32(truncatingIfNeeded: known[Int(text[place])]))
        }
      } else if !isOpen {
        numbers.append(model.unknown)
        isOpen = true
      }
    }
  }

  /// Continues the best path to `start` by each piece that begins there.
  private mutating func findPieces(
    _ model: Unigram, _ text: UnsafePointer<UInt8>, _ start: Int, _ character: Int
  ) {
    let path = ends[start].score
    var isCovered = false
    var hash = PieceIndex.emptyHash
    var end = start
    while end < word.count, end &- start < model.pieces.longest {
      hash = PieceIndex.hash(hash, text[end])
      end &+= 1
      let piece = model.pieces.number(text + start, end &- start, hash: hash)
      guard piece >= 0 else { continue }
      improve(end, start, piece, model.sum(path, piece: piece))
      if end == character { isCovered = true }
    }
    if !isCovered { improve(character, start, model.unknown, model.sumUnknown(path)) }
  }

  private mutating func improve(_ end: Int, _ start: Int, _ piece: Int32, _ score: Double) {
    guard ends[end].start < 0 || score > ends[end].score else { return }
    ends[end] = PathEnd(start: Int32(truncatingIfNeeded: start), piece: piece, score: score)
  }
}
