import Tokenizing

/// The pieces of a vocabulary: strings of bytes, each with a number.
///
/// Pieces are compared byte by byte. Swift's strings would not do: they take the two ways to write
/// `é` for one key, and vocabularies hold both.
struct PieceTable: Sendable {
  private var bytes: [UInt8] = []
  /// Where each piece begins in `bytes`, and the end of the last.
  private var starts: [UInt32] = [0]
  private var numbers: [UInt32] = []
  /// As ``PieceIndex`` has them; the length is a power of 2.
  private var slots: [UInt32]

  /// The bytes of the longest piece.
  private var longest = 0

  /// An empty table; `count` is how many pieces are expected.
  init(count: Int = 0) {
    slots = [UInt32](repeating: 0, count: Self.slotCount(count))
  }

  private static func slotCount(_ count: Int) -> Int {
    var size = 64
    while size < 2 * count { size *= 2 }
    return size
  }

  /// The largest number of a piece; -1 of none.
  var largestNumber: Int32 { numbers.lazy.map { Int32(bitPattern: $0) }.max() ?? -1 }

  /// The number of pieces.
  var count: Int { numbers.count }

  /// Adds a piece; returns `false` iff it is there already, whose number then stays.
  @discardableResult
  mutating func insert(_ piece: [UInt8], _ number: Int32) -> Bool {
    guard self.number(piece) == nil else { return false }
    bytes += piece
    starts.append(UInt32(bytes.count))
    numbers.append(UInt32(bitPattern: number))
    longest = max(longest, piece.count)
    if 2 * count > slots.count {
      slots = slots(of: 2 * slots.count)
    } else {
      Self.enter(count - 1, piece[...], &slots)
    }
    return true
  }

  /// Enters piece `index` into slots.
  private static func enter(_ index: Int, _ piece: ArraySlice<UInt8>, _ slots: inout [UInt32]) {
    var hash = PieceIndex.emptyHash
    for byte in piece { hash = PieceIndex.hash(hash, byte) }
    var slot = PieceIndex.slot(hash, mask: slots.count - 1)
    while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = UInt32(index + 1)
  }

  /// All pieces in so many slots.
  private func slots(of size: Int) -> [UInt32] {
    var slots = [UInt32](repeating: 0, count: size)
    for index in 0..<count {
      Self.enter(index, bytes[Int(starts[index])..<Int(starts[index + 1])], &slots)
    }
    return slots
  }

  /// The number of a piece.
  func number(_ piece: [UInt8]) -> Int32? {
    let number = starts.withUnsafeBufferPointer { starts in
      numbers.withUnsafeBufferPointer { numbers in
        slots.withUnsafeBufferPointer { slots in
          bytes.withUnsafeBufferPointer { bytes in
            piece.withUnsafeBufferPointer { piece -> Int32 in
              // Of an empty table, or for an empty piece, an address that nothing is read from.
              let none = UnsafeRawPointer(slots.baseAddress.unsafelyUnwrapped)
              let noBytes = none.assumingMemoryBound(to: UInt8.self)
              let noWords = none.assumingMemoryBound(to: UInt32.self)
              return PieceIndex(
                mask: slots.count - 1, longest: longest, starts: starts.baseAddress ?? noWords,
                numbers: numbers.baseAddress ?? noWords, slots: slots.baseAddress ?? noWords,
                bytes: bytes.baseAddress ?? noBytes
              ).number(piece.baseAddress ?? noBytes, piece.count)
            }
          }
        }
      }
    }
    return number < 0 ? nil : number
  }

  /// The number of a piece.
  func number(_ piece: String) -> Int32? { number(Array(piece.utf8)) }

  /// The bytes of the piece that was inserted as number `index`, from 0.
  func piece(_ index: Int) -> [UInt8] { Array(bytes[Int(starts[index])..<Int(starts[index + 1])]) }

  /// Appends the section of a ``PieceIndex``; returns its place.
  func write(to writer: inout TableWriter) -> UInt32 {
    // As few slots as will do: those that were there to read a file may be many more.
    let slots = slots(of: Self.slotCount(count))
    return writer.append([
      UInt32(count), UInt32(slots.count - 1), UInt32(longest), writer.append(starts),
      writer.append(numbers), writer.append(slots), writer.append(bytes: bytes),
    ])
  }
}
