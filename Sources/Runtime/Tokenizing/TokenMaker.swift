/// Makes of texts the ids that a text tower reads, as a ``TokenTable`` says.
///
/// The one implementation, inside libraries of text towers and in vitc: the ids are those of
/// transformers 5 and open_clip 3, as Tests/TokenizersTests holds them. All memory is its own,
/// is kept from text to text, and grows with the longest; it takes about 60 bytes for a byte of
/// text.
public struct TokenMaker {
  /// How the work on a text ended.
  public enum Outcome {
    /// The ids are in ``TokenMaker/numbers``.
    case done
    /// Memory was refused.
    case noMemory
    /// The text has more bytes than ``TokenMaker/mostBytes``.
    case tooLong
    /// The byte at this index is not UTF-8.
    case notUTF8(Int)
    /// open_clip would read the text in another encoding first.
    case misread
    /// open_clip would replace an entity of HTML: its scalars, with `&`.
    case entity(from: Int, to: Int)
    /// Entities within entities, more than ``TokenMaker/mostRepairs`` deep.
    case nested
  }

  /// The bytes of the longest text: what is counted in 32 bits stays far from their end.
  public static var mostBytes: Int { 1 &<< 26 }
  /// How often a text is repaired at most until nothing changes any more.
  static var mostRepairs: Int { 64 }

  let table: TokenTable
  let classes: ScalarRuns
  let lowerCase: ScalarMap

  /// The text, as it came and as it is cleaned.
  var text = Buffer<UInt32>()
  /// The part of it in work, while it is normalized, and what is made of it.
  var part = Buffer<UInt32>()
  var spare = Buffer<UInt32>()
  /// The words of the part, each in front of what is made of it.
  var stack = Buffer<UInt32>()
  /// A word in UTF-8.
  var word = Buffer<UInt8>()
  var spareBytes = Buffer<UInt8>()
  /// Pieces of a word, their neighbors, and pairs that can be joined.
  var symbols = Buffer<Int32>()
  var previous = Buffer<Int32>()
  var next = Buffer<Int32>()
  var heap = Buffer<UInt64>()
  var ends = Buffer<PathEnd>()
  /// The splitters that have seen a word of the part, a bit each.
  var splittersSeen: UInt32 = 0
  var startsText = true

  /// The ids of the last text, without padding, at most ``TokenTable/length``; before
  /// ``run(_:count:)`` ends, the numbers of its pieces.
  public internal(set) var numbers = Buffer<Int32>()
  /// How many ids the whole of the last text has.
  public private(set) var wholeCount = 0

  /// Makes nothing yet; ends with ``release()``.
  public init(_ table: TokenTable) {
    self.table = table
    classes = ScalarRuns(words: table.section(.classes))
    lowerCase = ScalarMap(words: table.section(.lowerCase))
  }

  /// Gives all memory back.
  public func release() {
    text.release()
    part.release()
    spare.release()
    stack.release()
    word.release()
    spareBytes.release()
    symbols.release()
    previous.release()
    next.release()
    heap.release()
    ends.release()
    numbers.release()
  }

  private var isShort: Bool {
    text.isShort || part.isShort || spare.isShort || stack.isShort || word.isShort
      || spareBytes.isShort || symbols.isShort || previous.isShort || next.isShort || heap.isShort
      || ends.isShort || numbers.isShort
  }

  /// Makes the ids of a text in UTF-8, in ``numbers``; what is too long is cut as the library cuts
  /// it: pieces, so that the ids around the text stay.
  public mutating func run(_ bytes: UnsafePointer<UInt8>, count: Int) -> Outcome {
    guard count >= 0, count <= TokenMaker.mostBytes else { return .tooLong }
    text.truncate(to: 0)
    numbers.truncate(to: 0)
    if let wrong = UTF8Bytes.decode(bytes, count, into: &text) { return .notUTF8(wrong) }
    if let refusal = clean() { return isShort ? .noMemory : refusal }
    appendPieces()
    if isShort { return .noMemory }
    frame()
    return isShort ? .noMemory : .done
  }

  /// Applies the normalizers to a text without anything else; the result is in
  /// ``normalizedScalar``.
  ///
  /// For vitc, which looks for tokens in normalized texts.
  public mutating func normalize(_ bytes: UnsafePointer<UInt8>, count: Int) -> Bool {
    part.truncate(to: 0)
    guard UTF8Bytes.decode(bytes, count, into: &part) == nil else { return false }
    applyNormalizers()
    return !isShort
  }

  /// How many scalars the normalized text has.
  public var normalizedCount: Int { part.count }

  /// A scalar of the text that ``normalize(_:count:)`` made, or of an entity that was refused.
  public func normalizedScalar(_ index: Int) -> UInt32 { part[index] }

  /// The pieces of a text of SigLIP as it is, for vitc, which counts those of the unknown token.
  public mutating func countSentencePieces(_ bytes: UnsafePointer<UInt8>, count: Int) -> Int {
    numbers.truncate(to: 0)
    word.truncate(to: 0)
    word.append(bytes, count: count)
    if let pieces = SentencePieces(table) { appendSentencePieces(pieces) }
    return numbers.count
  }

  private mutating func appendPieces() {
    switch table.words[TokenField.kind.rawValue] {
    case TextKind.sigLIP.rawValue: appendSigLIP()
    case TextKind.openCLIP.rawValue: appendOpenCLIP()
    default: appendPipeline()
    }
  }

  /// Puts the ids around a text, of which as much stays as there is room for.
  private mutating func frame() {
    let (before, behind) = (table.section(.before), table.section(.behind))
    let beforeCount = before.map { Int($0[0]) } ?? 0
    let behindCount = behind.map { Int($0[0]) } ?? 0
    let pieces = numbers.count
    let kept = min(pieces, max(0, table.length &- beforeCount &- behindCount))
    let first = table.has(.truncatesLeft) ? pieces &- kept : 0
    var endCount = behindCount
    if table.has(.keepsOwnEnd), kept > 0, let behind, behindCount > 0,
      numbers[first &+ kept &- 1] == Int32(truncatingIfNeeded: behind[1])
    {
      endCount = 0
    }
    wholeCount = beforeCount &+ pieces &+ endCount
    symbols.truncate(to: 0)
    for index in 0..<beforeCount {
      if let before { symbols.append(Int32(truncatingIfNeeded: before[1 &+ index])) }
    }
    for index in 0..<kept { symbols.append(numbers[first &+ index]) }
    for index in 0..<endCount {
      if let behind { symbols.append(Int32(truncatingIfNeeded: behind[1 &+ index])) }
    }
    swap(&symbols, &numbers)
  }

  /// Writes the ids with the padding that makes ``TokenTable/length`` of them.
  public func write(to ids: UnsafeMutablePointer<Int32>) {
    let (length, count) = (table.length, min(table.length, numbers.count))
    let padding = Int32(truncatingIfNeeded: table.words[TokenField.padding.rawValue])
    let first = table.has(.padsLeft) ? length &- count : 0
    for index in 0..<length {
      let place = index &- first
      ids[index] = place >= 0 && place < count ? numbers[place] : padding
    }
  }
}

// MARK: - What Unicode says

extension TokenMaker {
  func has(_ scalar: UInt32, _ bits: ScalarClass) -> Bool {
    classes.bits(scalar) & bits.rawValue != 0
  }

  /// What Unicode calls white space, and `\s` matches in the regular expressions of `tokenizers`
  /// and of Python's `regex`.
  func isSpace(_ scalar: UInt32) -> Bool { has(scalar, .space) }

  /// What Python's `str.split` and `re` take for white space: four separators more.
  func isPythonSpace(_ scalar: UInt32) -> Bool {
    scalar >= 0x1C && scalar <= 0x1F || isSpace(scalar)
  }

  func isLetter(_ scalar: UInt32) -> Bool { has(scalar, .letter) }

  func isNumber(_ scalar: UInt32) -> Bool { has(scalar, .number) }
}

/// The texts of a section: a count, and for each the place of its scalars and how many there are.
struct TextList {
  let table: TokenTable
  let words: UnsafePointer<UInt32>?

  init(_ table: TokenTable, at index: Int) {
    self.table = table
    words = table.section(at: index)
  }

  var count: Int { words.map { Int($0[0]) } ?? 0 }

  func text(_ index: Int) -> (scalars: UnsafePointer<UInt32>, count: Int) {
    guard let words else { return (table.words, 0) }
    return (
      table.words + Int(words[1 &+ 2 &* index]), Int(words[2 &+ 2 &* index])
    )
  }
}
