import Diagnostics

/// A unigram model as SentencePiece writes it (`spiece.model`, `ModelProto` of
/// sentencepiece_model.proto).
struct SentencePieceFile: Sendable {
  /// What a piece is for.
  private enum Kind: UInt64 {
    case normal = 1
    case unknown = 2
    case control = 3
    case userDefined = 4
    case unused = 5
    case byte = 6
  }

  /// All pieces, also those that no text matches: by name.
  let names: PieceTable
  /// What texts are divided by.
  let model: UnigramModel<Float>
  /// How texts are normalized first.
  let normalizer: SentencePieceNormalizer
  /// The text of the unknown token.
  let unknownPiece: String

  /// Reads a file.
  ///
  /// Errors, at `.file(path)`: it is damaged or not such a file; its model is not a unigram model;
  /// a piece is there twice; there is no unknown token.
  init(path: String, bytes: [UInt8]) throws(Diagnostic) {
    var names = PieceTable(count: 32_768)
    var matched = PieceTable(count: 32_768)
    var scores: [Float] = []
    var userDefined: [[UInt8]] = []
    var unknown: (Int32, String)?
    var byteNumbers: [Int32] = []
    var (lowest, highest) = (Float.greatestFiniteMagnitude, -Float.greatestFiniteMagnitude)
    var spec: Range<Int>?
    var modelKind: UInt64 = 1
    var fallsBackToBytes = false
    var file = ProtobufReader(bytes, path: path)
    while let (field, value) = try file.next() {
      guard case .bytes(let range) = value else { continue }
      switch field {
      case 1:
        let (piece, score, kind) = try Self.piece(bytes, range, path)
        let number = Int32(names.count)
        guard let kind = Kind(rawValue: kind) else {
          throw Diagnostic("piece \(number) is of the unknown type \(kind)", at: .file(path))
        }
        guard names.insert(piece, number) else {
          throw Diagnostic(
            "the piece '\(String(decoding: piece, as: UTF8.self))' is there twice", at: .file(path))
        }
        scores.append(score)
        switch kind {
        case .normal:
          matched.insert(piece, number)
          (lowest, highest) = (min(lowest, score), max(highest, score))
        case .userDefined:
          matched.insert(piece, number)
          userDefined.append(piece)
        case .unknown: unknown = (number, String(decoding: piece, as: UTF8.self))
        case .byte: byteNumbers.append(number)
        case .control, .unused: break
        }
      case 2:
        var trainer = ProtobufReader(bytes, range, path: path)
        while let (field, value) = try trainer.next() {
          guard case .number(let number) = value else { continue }
          if field == 3 { modelKind = number }
          if field == 35 { fallsBackToBytes = number != 0 }
        }
      case 3: spec = range
      default: break
      }
    }
    guard modelKind == 1 else {
      let kinds: [UInt64: String] = [2: "BPE", 3: "word", 4: "character"]
      throw Diagnostic(
        "is a SentencePiece model of the kind \(kinds[modelKind] ?? String(modelKind)), expected "
          + "unigram", at: .file(path), hint: "a tokenizer.json of the same tokenizer can be read")
    }
    guard let unknown, lowest <= highest else {
      throw Diagnostic("a SentencePiece model without an unknown token or pieces", at: .file(path))
    }
    // SentencePiece prefers what users defined to whatever it could be made of.
    for piece in userDefined {
      guard let number = names.number(piece) else { continue }
      scores[Int(number)] = Float(piece.count) * highest - 0.1
    }
    self.names = names
    unknownPiece = unknown.1
    normalizer = try SentencePieceNormalizer(bytes, spec, userDefined: userDefined, path: path)
    model = UnigramModel(
      pieces: matched, scores: scores, unknown: unknown.0, lowestScore: lowest,
      bytes: fallsBackToBytes && byteNumbers.count == 256 ? byteNumbers : nil)
  }

  private static func piece(
    _ bytes: [UInt8], _ range: Range<Int>, _ path: String
  ) throws(Diagnostic) -> (piece: [UInt8], score: Float, kind: UInt64) {
    var (piece, score, kind): ([UInt8], Float, UInt64) = ([], 0, 1)
    var reader = ProtobufReader(bytes, range, path: path)
    while let (field, value) = try reader.next() {
      switch (field, value) {
      case (1, .bytes(let text)): piece = Array(bytes[text])
      case (2, .word(let bits)): score = Float(bitPattern: bits)
      case (3, .number(let number)): kind = number
      default: break
      }
    }
    guard !piece.isEmpty, score.isFinite else {
      throw Diagnostic("a piece without text or with no finite score", at: .file(path))
    }
    return (piece, score, kind)
  }
}
