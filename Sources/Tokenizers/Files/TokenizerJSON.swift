import Diagnostics
import JSON

/// A tokenizer as the library `tokenizers` writes it (`tokenizer.json`).
///
/// It has the parts that ``Pipeline`` is made of. What is not known is refused by name when it is
/// asked for.
struct TokenizerJSON {
  /// The file.
  let path: String
  /// `BPE` or `Unigram`.
  private(set) var kind = ""
  /// What the model has besides its vocabulary.
  private var model: [String: JSONValue] = [:]
  /// The rest of the file.
  private var parts: [String: JSONValue] = [:]
  private var pieces = PieceTable()
  private var scores: [Double] = []
  private var merges: [UInt64: BytePairModel.Merge] = [:]

  /// Reads a file.
  ///
  /// Errors, at `.file(path)` or a place in it: it is not JSON; its model is of another kind than
  /// BPE and Unigram; a piece is there twice; a merge has pieces that the vocabulary lacks.
  init(path: String) throws(Diagnostic) {
    self.path = path
    var cursor = JSONCursor(try TokenizerFile.bytes(path), path: path)
    var hasModel = false
    try cursor.members { (key, cursor) throws(Diagnostic) in
      let name = String(decoding: key, as: UTF8.self)
      if name == "model", cursor.peek() == UInt8(ascii: "{") {
        guard !hasModel else { throw cursor.damaged("'model' is there twice", cursor.index) }
        hasModel = true
        try readModel(&cursor)
      } else {
        parts[name] = try cursor.value()
      }
    }
    guard hasModel else {
      throw Diagnostic("'model' is missing", at: .file(path))
    }
    // Older files leave the type out; a list of scored pieces is a unigram model's.
    kind = model["type"]?.string ?? (scores.isEmpty ? "BPE" : "Unigram")
    guard kind == "BPE" || kind == "Unigram" else {
      throw Diagnostic(
        "the tokenizer's model is '\(kind)', expected BPE or Unigram", at: .file(path))
    }
  }

  private mutating func readModel(_ cursor: inout JSONCursor) throws(Diagnostic) {
    // The vocabulary comes first in all files; should it not, the merges are read once it is there.
    var early: JSONCursor?
    var seen: Set<[UInt8]> = []
    try cursor.members { (key, cursor) throws(Diagnostic) in
      let name = String(decoding: key, as: UTF8.self)
      // Numbers of one vocabulary would be looked for in the other.
      guard seen.insert(key).inserted else {
        throw cursor.damaged("'model.\(name)' is there twice", cursor.index)
      }
      switch name {
      case "vocab" where cursor.peek() == UInt8(ascii: "{"):
        pieces = try Vocabulary.pieces(&cursor)
      case "vocab" where cursor.peek() == UInt8(ascii: "["): try readScores(&cursor)
      case "merges" where cursor.peek() == UInt8(ascii: "["):
        if pieces.count == 0 {
          early = cursor
          _ = try cursor.value()
        } else {
          try readMerges(&cursor)
        }
      default: model[name] = try cursor.value()
      }
    }
    if var early { try readMerges(&early) }
  }

  /// Reads `[["<unk>", 0.0], …]`.
  private mutating func readScores(_ cursor: inout JSONCursor) throws(Diagnostic) {
    try cursor.elements { (cursor) throws(Diagnostic) in
      try cursor.expect("[")
      let piece = try cursor.string()
      try cursor.expect(",")
      let score = try cursor.number()
      try cursor.expect("]")
      guard score.isFinite else {
        throw cursor.damaged("a score that is not finite", cursor.index)
      }
      // A piece that is there twice is found by its first number in `tokenizers`' trie as in ours.
      pieces.insert(piece, Int32(scores.count))
      scores.append(score)
    }
  }

  /// Reads `["a b", …]`, or `[["a", "b"], …]`, as newer files have it.
  private mutating func readMerges(_ cursor: inout JSONCursor) throws(Diagnostic) {
    var list = MergeList(pieces)
    try cursor.elements { (cursor) throws(Diagnostic) in
      _ = cursor.peek()
      let start = cursor.index
      var pair: [[UInt8]] = []
      if cursor.peek() == UInt8(ascii: "[") {
        try cursor.elements { (cursor) throws(Diagnostic) in pair.append(try cursor.string()) }
      } else {
        pair = try cursor.string().split(separator: 0x20, omittingEmptySubsequences: false)
          .map(Array.init)
      }
      guard pair.count == 2, list.append(pair[0], pair[1]) else {
        throw cursor.damaged(
          "a merge that is not of two pieces of the vocabulary whose joint is one", start)
      }
    }
    merges = list.merges
  }

  /// The number of a piece.
  func number(_ piece: String) -> Int32? { pieces.number(piece) }

  /// The model.
  ///
  /// Errors: what ``bytePairs`` and ``unigram`` report.
  func wordModel() throws(Diagnostic) -> Pipeline.WordModel {
    kind == "BPE" ? .bytePairs(try bytePairs()) : .unigram(try unigram())
  }

  /// The byte-pair encoding, as the file says.
  ///
  /// Errors: it drops merges at random, or has a prefix for what continues words; its unknown token
  /// is no piece.
  func bytePairs() throws(Diagnostic) -> BytePairModel {
    if let dropout = model["dropout"], dropout != .null, dropout != .integer(0),
      dropout != .number(0)
    {
      throw unsupported("'model.dropout' is \(dropout.described)")
    }
    if let prefix = model["continuing_subword_prefix"]?.string, !prefix.isEmpty {
      throw unsupported("'model.continuing_subword_prefix' is '\(prefix)'")
    }
    var result = BytePairModel(pieces: pieces, merges: merges)
    if let unknown = model["unk_token"]?.string {
      guard let number = number(unknown) else {
        throw Diagnostic("'model.unk_token' '\(unknown)' is not a piece", at: .file(path))
      }
      result.unknown = number
    }
    result.fusesUnknown = model["fuse_unk"] == .bool(true)
    result.fallsBackToBytes = model["byte_fallback"] == .bool(true)
    result.ignoresMerges = model["ignore_merges"] == .bool(true)
    result.endOfWord = Array((model["end_of_word_suffix"]?.string ?? "").utf8)
    return result
  }

  /// The unigram model.
  ///
  /// Errors: it has no pieces or no unknown token.
  func unigram(unknown: Int32? = nil) throws(Diagnostic) -> UnigramModel<Double> {
    var number = unknown
    if number == nil, case .integer(let id) = model["unk_id"] { number = Int32(exactly: id) }
    guard let number, scores.indices.contains(Int(number)), let lowest = scores.min() else {
      throw Diagnostic(
        "'model.unk_id' is not the number of one of the \(scores.count) pieces", at: .file(path))
    }
    var bytes: [Int32]?
    if model["byte_fallback"] == .bool(true) {
      let numbers = (0..<256).compactMap { pieces.number(BytePairModel.byteName(UInt8($0))) }
      if numbers.count == 256 { bytes = numbers }
    }
    return UnigramModel(
      pieces: pieces, scores: scores, unknown: number, lowestScore: lowest, bytes: bytes)
  }

  /// A part of the file; `nil` where it is absent or null.
  func part(_ name: String) -> JSONValue? { parts[name] == .null ? nil : parts[name] }

  /// The tokens that texts have by name.
  ///
  /// Errors, at `.file(path)`: one without a text or a number.
  func addedTokens() throws(Diagnostic) -> [AddedTokens.Token] {
    try (part("added_tokens")?.array ?? []).map { (value) throws(Diagnostic) in
      guard case .integer(let id) = value["id"], let token = AddedTokens.Token(value, number: id)
      else {
        throw Diagnostic(
          "'added_tokens' has one without 'content' or a number from 0 to \(Int32.max)",
          at: .file(path))
      }
      return token
    }
  }

  /// That a part cannot be read.
  func unsupported(_ what: String) -> Diagnostic {
    Diagnostic(
      "\(what), which vitc does not know", at: .file(path),
      hint: "'--text-vectors' takes vectors that were made elsewhere")
  }
}

extension AddedTokens.Token {
  /// A token as `tokenizer.json` and `tokenizer_config.json` have it; `nil` without a text or a
  /// number.
  init?(_ value: JSONValue, number: Int) {
    guard let content = value["content"]?.string, let number = Int32(exactly: number), number >= 0
    else { return nil }
    let isSpecial = value["special"] == .bool(true)
    self.init(
      content: Scalars(content), number: number,
      isNormalized: value["normalized"].map { $0 == .bool(true) } ?? !isSpecial,
      stripsLeft: value["lstrip"] == .bool(true), stripsRight: value["rstrip"] == .bool(true),
      isWholeWord: value["single_word"] == .bool(true))
  }
}
