/// A byte-pair encoding as files have it; what is done with it says `BytePairs` of Tokenizing.
struct BytePairModel: Sendable {
  /// What a pair becomes.
  struct Merge: Sendable {
    /// When it was learned; lower is joined first.
    var rank: UInt32
    /// The number of the piece that both make.
    var piece: Int32
  }

  /// All pieces.
  var pieces: PieceTable
  /// By the numbers of left and right piece, see ``pair(_:_:)``.
  var merges: [UInt64: Merge]
  /// The unknown token's number.
  var unknown: Int32?
  /// `true` iff neighboring unknown characters make one token.
  var fusesUnknown = false
  /// `true` iff an unknown character becomes its bytes `<0xE4>`.
  var fallsBackToBytes = false
  /// `true` iff a word that is a piece is that piece, whatever the merges say.
  var ignoresMerges = false
  /// What the last character of a word has appended: `</w>` in CLIP's.
  var endOfWord: [UInt8] = []

  /// The key of a pair in ``merges``.
  static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// `<0x0A>`.
  static func byteName(_ byte: UInt8) -> [UInt8] {
    let digits = String(byte, radix: 16, uppercase: true)
    return Array("<0x\(digits.count < 2 ? "0" : "")\(digits)>".utf8)
  }

  /// Appends the section; returns its place.
  func write(to writer: inout TableWriter) -> UInt32 {
    let pairs = merges.sorted { $0.key < $1.key }
    // Where the pairs of each left piece begin, and the end of the last.
    var starts: [UInt32] = []
    var entries: [UInt32] = []
    entries.reserveCapacity(3 * pairs.count)
    for (index, (key, merge)) in pairs.enumerated() {
      while starts.count <= Int(key >> 32) { starts.append(UInt32(index)) }
      entries += [
        UInt32(truncatingIfNeeded: key), merge.rank, UInt32(bitPattern: merge.piece),
      ]
    }
    let leftCount = starts.count
    starts.append(UInt32(pairs.count))
    let bytes =
      fallsBackToBytes
      ? (0...255).map { (byte: UInt8) in
        pieces.number(Self.byteName(byte)).map { UInt32(bitPattern: $0) } ?? .max
      } : []
    return writer.append([
      pieces.write(to: &writer), unknown.map { UInt32(bitPattern: $0) } ?? .max,
      (fusesUnknown ? 1 : 0) | (ignoresMerges ? 2 : 0),
      endOfWord.isEmpty ? 0 : writer.append(list: endOfWord.map { UInt32($0) }),
      bytes.isEmpty ? 0 : writer.append(bytes), UInt32(leftCount), writer.append(starts),
      writer.append(entries),
    ])
  }
}
