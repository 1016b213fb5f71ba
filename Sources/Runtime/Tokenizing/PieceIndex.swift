/// The pieces of a vocabulary, by open addressing: seven words, a count, the slots less 1, the
/// bytes of the longest piece, and the places of `count` + 1 beginnings in the bytes, of the
/// numbers, of the slots (0 is free, `n + 1` is piece `n`), of the bytes.
public struct PieceIndex {
  private let mask: Int
  /// The bytes of the longest piece.
  let longest: Int
  private let starts: UnsafePointer<UInt32>
  private let numbers: UnsafePointer<UInt32>
  private let slots: UnsafePointer<UInt32>
  private let bytes: UnsafePointer<UInt8>

  /// Reads a section.
  init(_ table: TokenTable, _ section: UnsafePointer<UInt32>) {
    let words = table.words
    (mask, longest) = (Int(section[1]), Int(section[2]))
    starts = words + Int(section[3])
    numbers = words + Int(section[4])
    slots = words + Int(section[5])
    bytes = UnsafeRawPointer(words + Int(section[6])).assumingMemoryBound(to: UInt8.self)
  }

  /// An index of pieces that are elsewhere, see the type.
  public init(
    mask: Int, longest: Int, starts: UnsafePointer<UInt32>, numbers: UnsafePointer<UInt32>,
    slots: UnsafePointer<UInt32>, bytes: UnsafePointer<UInt8>
  ) {
    (self.mask, self.longest) = (mask, longest)
    (self.starts, self.numbers, self.slots, self.bytes) = (starts, numbers, slots, bytes)
  }

  /// What the hash of no bytes is: FNV-1a's offset basis.
  public static var emptyHash: UInt64 { 0xCBF2_9CE4_8422_2325 }

  /// The hash of some bytes and one more (FNV-1a, Fowler, Noll and Vo).
  public static func hash(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
    (hash ^ UInt64(byte)) &* 0x100_0000_01B3
  }

  /// The slot that a hash is looked for in first.
  public static func slot(_ hash: UInt64, mask: Int) -> Int {
    Int(truncatingIfNeeded: hash ^ (hash &>> 32)) & mask
  }

  /// The number of a piece whose hash is known; -1 for what is none.
  public func number(_ text: UnsafePointer<UInt8>, _ count: Int, hash: UInt64) -> Int32 {
    var slot = PieceIndex.slot(hash, mask: mask)
    while slots[slot] != 0 {
      let index = Int(slots[slot]) &- 1
      if isPiece(index, text, count) { return Int32(truncatingIfNeeded: numbers[index]) }
      slot = (slot &+ 1) & mask
    }
    return -1
  }

  /// The number of a piece; -1 for what is none.
  public func number(_ text: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    var hash = PieceIndex.emptyHash
    for index in 0..<count { hash = PieceIndex.hash(hash, text[index]) }
    return number(text, count, hash: hash)
  }

  private func isPiece(_ index: Int, _ text: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    let start = Int(starts[index])
    guard Int(starts[index &+ 1]) &- start == count else { return false }
    for offset in 0..<count where bytes[start &+ offset] != text[offset] { return false }
    return true
  }
}
