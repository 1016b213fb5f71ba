import Diagnostics

/// The pieces and merges of a byte-pair encoding, as files have them.
enum Vocabulary {
  /// Reads the object of pieces and their numbers at a cursor.
  static func pieces(_ cursor: inout JSONCursor) throws(Diagnostic) -> PieceTable {
    var pieces = PieceTable(count: 65_536)
    try cursor.members { (key, cursor) throws(Diagnostic) in
      let number = try cursor.pieceNumber()
      guard pieces.insert(key, number) else {
        throw cursor.damaged(
          "the piece '\(String(decoding: key, as: UTF8.self))' is there twice", cursor.index)
      }
    }
    return pieces
  }

  /// Reads a file `vocab.json`.
  static func pieces(path: String) throws(Diagnostic) -> PieceTable {
    var cursor = JSONCursor(try TokenizerFile.bytes(path), path: path)
    return try pieces(&cursor)
  }

  /// The pairs of a file `merges.txt`: a line for each, two pieces and a blank between them; a
  /// first line that begins with `#version` is none.
  static func merges(path: String, _ pieces: PieceTable) throws(Diagnostic) -> [UInt64:
    BytePairModel.Merge]
  {
    let lines = try TokenizerFile.bytes(path).split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    var merges = MergeList(pieces)
    for (index, line) in lines.enumerated() {
      var line = line
      if line.last == UInt8(ascii: "\r") { line.removeLast() }
      if line.isEmpty || index == 0 && line.starts(with: "#version".utf8) { continue }
      let parts = line.split(separator: 0x20, omittingEmptySubsequences: false).map(Array.init)
      guard parts.count == 2 else {
        throw Diagnostic(
          "expected two pieces and a blank between them, found \(parts.count) parts",
          at: .text(file: path, line: index + 1, column: 1))
      }
      guard merges.append(parts[0], parts[1]) else {
        throw Diagnostic(
          "the vocabulary lacks a piece of this pair, or what they make",
          at: .text(file: path, line: index + 1, column: 1),
          hint: "vocab.json and merges.txt must be of one tokenizer")
      }
    }
    return merges.merges
  }
}

/// Merges by the numbers of their pieces, in the order in which they were learned.
struct MergeList {
  private let pieces: PieceTable
  /// What has been appended.
  private(set) var merges: [UInt64: BytePairModel.Merge] = [:]
  private var count: UInt32 = 0

  init(_ pieces: PieceTable) {
    self.pieces = pieces
    merges.reserveCapacity(pieces.count)
  }

  /// Appends a pair; `false` iff a piece of it, or what both make, is none of the vocabulary.
  mutating func append(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard let first = pieces.number(left), let second = pieces.number(right),
      let both = pieces.number(left + right)
    else { return false }
    // Of a pair that is there twice the last counts, as in `tokenizers`.
    merges[BytePairModel.pair(first, second)] = .init(rank: count, piece: both)
    count += 1
    return true
  }
}
