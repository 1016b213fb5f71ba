/// The pieces of a vocabulary: strings of bytes, each with a number.
///
/// Pieces are compared byte by byte. Swift's strings would not do: they take the two ways to write
/// `é` for one key, and vocabularies hold both.
struct PieceTable: Sendable {
  private var bytes: [UInt8] = []
  /// Where each piece begins in `bytes`, and the end of the last.
  private var starts: [UInt32] = [0]
  private var numbers: [Int32] = []
  /// Open addressing: 0 is free, `n + 1` is piece `n`; the length is a power of 2.
  private var slots: [UInt32]

  /// The bytes of the longest piece.
  private(set) var longest = 0

  /// An empty table; `count` is how many pieces are expected.
  init(count: Int = 0) {
    var size = 64
    while size < 2 * count { size *= 2 }
    slots = [UInt32](repeating: 0, count: size)
  }

  /// The number of pieces.
  var count: Int { numbers.count }

  /// What `hash(_:_:)` of no bytes is: FNV-1a's offset basis.
  static let emptyHash: UInt64 = 0xCBF2_9CE4_8422_2325

  /// The hash of some bytes and one more (FNV-1a, Fowler, Noll and Vo).
  static func hash(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
    (hash ^ UInt64(byte)) &* 0x100_0000_01B3
  }

  /// Adds a piece; returns `false` iff it is there already, whose number then stays.
  @discardableResult
  mutating func insert(_ piece: [UInt8], _ number: Int32) -> Bool {
    if 2 * (count + 1) > slots.count { grow() }
    var hash = Self.emptyHash
    for byte in piece { hash = Self.hash(hash, byte) }
    var slot = Int(truncatingIfNeeded: hash ^ (hash >> 32)) & (slots.count - 1)
    while slots[slot] != 0 {
      if isPiece(Int(slots[slot]) - 1, piece, 0..<piece.count) { return false }
      slot = (slot + 1) & (slots.count - 1)
    }
    slots[slot] = UInt32(count + 1)
    bytes += piece
    starts.append(UInt32(bytes.count))
    numbers.append(number)
    longest = max(longest, piece.count)
    return true
  }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: 2 * slots.count)
    for index in 0..<count {
      var hash = Self.emptyHash
      for byte in bytes[Int(starts[index])..<Int(starts[index + 1])] {
        hash = Self.hash(hash, byte)
      }
      var slot = Int(truncatingIfNeeded: hash ^ (hash >> 32)) & (slots.count - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = UInt32(index + 1)
    }
  }

  private func isPiece(_ index: Int, _ text: [UInt8], _ range: Range<Int>) -> Bool {
    let start = Int(starts[index])
    guard Int(starts[index + 1]) - start == range.count else { return false }
    for offset in 0..<range.count where bytes[start + offset] != text[range.lowerBound + offset] {
      return false
    }
    return true
  }

  /// The number of the piece that is a part of a text, whose hash is known.
  func number(_ text: [UInt8], _ range: Range<Int>, hash: UInt64) -> Int32? {
    var slot = Int(truncatingIfNeeded: hash ^ (hash >> 32)) & (slots.count - 1)
    while slots[slot] != 0 {
      let index = Int(slots[slot]) - 1
      if isPiece(index, text, range) { return numbers[index] }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// The number of the piece that is a part of a text.
  func number(_ text: [UInt8], _ range: Range<Int>) -> Int32? {
    var hash = Self.emptyHash
    for index in range { hash = Self.hash(hash, text[index]) }
    return number(text, range, hash: hash)
  }

  /// The number of a piece.
  func number(_ piece: [UInt8]) -> Int32? { number(piece, 0..<piece.count) }

  /// The number of a piece.
  func number(_ piece: String) -> Int32? { number(Array(piece.utf8)) }

  /// The bytes of the piece that was inserted as number `index`, from 0.
  func piece(_ index: Int) -> [UInt8] { Array(bytes[Int(starts[index])..<Int(starts[index + 1])]) }
}
