/// Byte-pair encoding: a word's characters, joined pair by pair, the pair that was learned first
/// joined first.
///
/// The arithmetic is that of the library `tokenizers` (`models/bpe`): of pairs of equal rank the
/// leftmost is joined first; a character that the vocabulary lacks becomes its bytes `<0xE4>`, or
/// the unknown token. The next pair comes from a heap, so that a text without blanks takes no
/// longer than its length times the logarithm of that.
///
/// The section: a ``PieceIndex``'s, the unknown token's number, bits (1: neighboring unknown
/// characters make one token, 2: a word that is a piece is that piece), the section of what the
/// last character has appended (a count and bytes, a word each), that of the numbers of bytes, the
/// number of left pieces, the places of beginnings by left piece, and of the pairs in the order of
/// their right pieces: the right piece, the rank, and what both make.
///
/// Source: Sennrich, Haddow and Birch 2016, arXiv:1508.07909.
struct BytePairs {
  let pieces: PieceIndex
  /// The unknown token's number; -1: unknown characters are left out.
  let unknown: Int32
  let fusesUnknown: Bool
  let ignoresMerges: Bool
  let endOfWord: UnsafePointer<UInt32>?
  /// By byte, for those that the vocabulary has.
  let byteNumbers: UnsafePointer<UInt32>?
  private let leftCount: Int32
  private let starts: UnsafePointer<UInt32>
  private let pairs: UnsafePointer<UInt32>

  init(_ table: TokenTable, _ section: UnsafePointer<UInt32>) {
    pieces = PieceIndex(table, table.words + Int(section[0]))
    unknown = Int32(truncatingIfNeeded: section[1])
    fusesUnknown = section[2] & 1 != 0
    ignoresMerges = section[2] & 2 != 0
    endOfWord = table.section(at: Int(section[3]))
    byteNumbers = table.section(at: Int(section[4]))
    leftCount = Int32(truncatingIfNeeded: section[5])
    starts = table.words + Int(section[6])
    pairs = table.words + Int(section[7])
  }

  /// The rank of a pair and what it makes; `nil`: it is not joined.
  func merge(_ left: Int32, _ right: Int32) -> (rank: UInt32, piece: Int32)? {
    guard left >= 0, left < leftCount, right >= 0 else { return nil }
    let wanted = UInt32(truncatingIfNeeded: right)
    var low = Int(starts[Int(left)])
    let end = Int(starts[Int(left) &+ 1])
    var high = end
    while low < high {
      let middle = (low &+ high) / 2
      if pairs[3 &* middle] < wanted { low = middle &+ 1 } else { high = middle }
    }
    guard low < end, pairs[3 &* low] == wanted else { return nil }
    return (pairs[3 &* low &+ 1], Int32(truncatingIfNeeded: pairs[3 &* low &+ 2]))
  }
}

extension TokenMaker {
  /// Appends the numbers of the pieces of ``word``, UTF-8.
  mutating func appendPairs(_ model: BytePairs) {
    let count = word.count
    guard count > 0 else { return }
    if model.ignoresMerges, let bytes = word.elements {
      let number = model.pieces.number(bytes, count)
      if number >= 0 { return numbers.append(number) }
    }
    symbols.truncate(to: 0)
    appendCharacters(model, count)
    join(model)
    for index in 0..<symbols.count where symbols[index] >= 0 { numbers.append(symbols[index]) }
  }

  /// The characters of ``word`` as pieces, in ``symbols``.
  private mutating func appendCharacters(_ model: BytePairs, _ count: Int) {
    // The last character is looked for with the end of the word behind it.
    if let ending = model.endOfWord {
      for index in 0..<Int(ending[0]) {
        word.append(UInt8(truncatingIfNeeded: ending[1 &+ index]))
      }
    }
    guard !word.isShort, let bytes = word.elements else { return }
    // Whether the last symbol is an unknown token that the next unknown character may join.
    var isOpen = false
    var start = 0
    while start < count {
      let end = UTF8Bytes.end(ofCharacterAt: start, bytes, count)
      let length = (end == count ? word.count : end) &- start
      let number = model.pieces.number(bytes + start, length)
      if number >= 0 {
        symbols.append(number)
        isOpen = false
      } else if appendBytes(model, bytes, start, end) {
        isOpen = false
      } else if model.unknown >= 0 {
        if !(isOpen && model.fusesUnknown) { symbols.append(model.unknown) }
        isOpen = true
      }
      start = end
    }
  }

  /// Appends the bytes of an unknown character, if the vocabulary has all of them.
  private mutating func appendBytes(
    _ model: BytePairs, _ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int
  ) -> Bool {
    guard let known = model.byteNumbers else { return false }
    for index in start..<end where known[Int(bytes[index])] == TokenTable.none { return false }
    for index in start..<end {
      symbols.append(Int32(truncatingIfNeeded: known[Int(bytes[index])]))
    }
    return true
  }

  /// Joins ``symbols``; what has been joined to the symbol before it is -1.
  private mutating func join(_ model: BytePairs) {
    let count = symbols.count
    guard count > 1 else { return }
    previous.truncate(to: 0)
    next.truncate(to: 0)
    heap.truncate(to: 0)
    for index in 0..<count {
      previous.append(Int32(truncatingIfNeeded: index) &- 1)
      next.append(Int32(truncatingIfNeeded: index) &+ 1)
    }
    guard !symbols.isShort, !previous.isShort, !next.isShort else { return }
    for index in 0..<(count &- 1) { push(model, index, index &+ 1) }
    while heap.count > 0, !heap.isShort {
      let top = pop()
      let (rank, place) = (UInt32(truncatingIfNeeded: top &>> 32), Int(top & 0xFFFF_FFFF))
      let right = Int(next[place])
      // What was joined since is no pair any more, or another one.
      guard symbols[place] >= 0, right < count,
        let merge = model.merge(symbols[place], symbols[right]), merge.rank == rank
      else { continue }
      symbols[place] = merge.piece
      symbols[right] = -1
      let behind = Int(next[right])
      next[place] = Int32(truncatingIfNeeded: behind)
      if behind < count {
        previous[behind] = Int32(truncatingIfNeeded: place)
        push(model, place, behind)
      }
      let before = Int(previous[place])
      if before >= 0 { push(model, before, place) }
    }
  }

  /// Puts a pair on the heap, if it can be joined: its rank, then its place, least first.
  private mutating func push(_ model: BytePairs, _ left: Int, _ right: Int) {
    guard let merge = model.merge(symbols[left], symbols[right]) else { return }
    let entry = UInt64(merge.rank) &<< 32 | UInt64(left)
    heap.append(entry)
    guard !heap.isShort else { return }
    var child = heap.count &- 1
    while child > 0 {
      let parent = (child &- 1) / 2
      if heap[parent] <= entry { break }
      heap[child] = heap[parent]
      child = parent
    }
    heap[child] = entry
  }

  private mutating func pop() -> UInt64 {
    let top = heap[0]
    let last = heap[heap.count &- 1]
    heap.truncate(to: heap.count &- 1)
    let count = heap.count
    guard count > 0 else { return top }
    var parent = 0
    while true {
      var child = 2 &* parent &+ 1
      guard child < count else { break }
      if child &+ 1 < count, heap[child &+ 1] < heap[child] { child &+= 1 }
      if last <= heap[child] { break }
      heap[parent] = heap[child]
      parent = child
    }
    heap[parent] = last
    return top
  }
}
