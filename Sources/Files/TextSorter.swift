import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Sorts any number of texts in constant memory: parts that fit are sorted and go to a file, and
/// sorted parts are merged (external merge sort: Knuth, The Art of Computer Programming 3, 5.4).
public struct TextSorter {
  /// In what order texts come.
  public enum Order: Sendable {
    /// That of Swift's strings, equal ones by their bytes: that of ``FolderNames``.
    case strings
    /// That of their bytes in UTF-8.
    case bytes

    func precedes(_ one: String, _ other: String) -> Bool {
      switch self {
      case .strings: one == other ? Self.bytesPrecede(one, other) : one < other
      case .bytes: Self.bytesPrecede(one, other)
      }
    }

    private static func bytesPrecede(_ one: String, _ other: String) -> Bool {
      let fast = one.utf8.withContiguousStorageIfAvailable { first in
        other.utf8.withContiguousStorageIfAvailable { second -> Bool in
          let common = min(first.count, second.count)
          guard common > 0, let a = first.baseAddress, let b = second.baseAddress else {
            return first.count < second.count
          }
          let sign = memcmp(a, b, common)
          return sign == 0 ? first.count < second.count : sign < 0
        }
      }
      return (fast ?? nil) ?? one.utf8.lexicographicallyPrecedes(other.utf8)
    }
  }

  /// How many parts are merged at once: what is read of them at a time takes half a megabyte.
  private static let most = 32

  private let space: ScratchSpace
  private let order: Order
  private var texts: [String] = []
  private var bytes = 0
  private var file: ScratchFile?
  /// Sorted parts in the file; those of level n + 1 are merged of ``most`` of level n.
  private var levels: [[Range<Int>]] = []

  /// Holds no texts.
  public init(_ space: ScratchSpace, by order: Order) {
    self.space = space
    self.order = order
  }

  /// Whether there is no text.
  public var isEmpty: Bool { texts.isEmpty && file == nil }

  /// Adds a text.
  ///
  /// Errors: there is no place for it.
  public mutating func append(_ text: String) throws(Diagnostic) {
    texts.append(text)
    bytes += text.utf8.count + MemoryLayout<String>.stride
    if bytes >= space.memoryBytes { try store() }
  }

  /// All texts, sorted.
  ///
  /// Errors: there is no place for them.
  public consuming func sorted() throws(Diagnostic) -> SortedTexts {
    let order = order
    if file != nil, !texts.isEmpty { try store() }
    guard let file else {
      return SortedTexts(texts.sorted(by: order.precedes))
    }
    return try SortedTexts(file, levels.flatMap(\.self), order)
  }

  /// Sorts what is in memory and writes it.
  private mutating func store() throws(Diagnostic) {
    let file = if let known = self.file { known } else { try ScratchFile(space) }
    self.file = file
    let sorted = SortedTexts(texts.sorted(by: order.precedes))
    texts = []
    bytes = 0
    try add(Self.write(sorted, to: file), file, level: 0)
  }

  private mutating func add(
    _ part: Range<Int>, _ file: ScratchFile, level: Int
  ) throws(Diagnostic) {
    if level == levels.count { levels.append([]) }
    levels[level].append(part)
    guard levels[level].count == Self.most else { return }
    let merged = try SortedTexts(file, levels[level], order)
    levels[level] = []
    try add(Self.write(merged, to: file), file, level: level + 1)
  }

  private static func write(
    _ texts: SortedTexts, to file: ScratchFile
  ) throws(Diagnostic) -> Range<Int> {
    let start = file.count
    var block: [UInt8] = []
    while let text = try texts.next() {
      TextRecord.append(text, to: &block)
      if block.count >= ScratchSpace.usualBytes {
        try file.append(block)
        block.removeAll(keepingCapacity: true)
      }
    }
    try file.append(block)
    return start..<file.count
  }
}

/// Texts in order, of sorted parts.
public final class SortedTexts {
  private let order: TextSorter.Order
  /// What is in memory, the last text first.
  private var texts: [String]
  /// The first text of each part, and where the others are.
  private var parts: [(first: String, rest: TextReader)] = []

  init(_ texts: [String]) {
    order = .bytes
    self.texts = texts.reversed()
  }

  init(_ file: ScratchFile, _ ranges: [Range<Int>], _ order: TextSorter.Order) throws(Diagnostic) {
    self.order = order
    texts = []
    for range in ranges {
      let reader = TextReader(file, range)
      if let first = try reader.next() { parts.append((first, reader)) }
    }
  }

  /// The next text; `nil` after the last.
  ///
  /// Errors: it cannot be read.
  public func next() throws(Diagnostic) -> String? {
    if let text = texts.popLast() { return text }
    guard var least = parts.indices.first else { return nil }
    for index in parts.indices.dropFirst()
    where order.precedes(parts[index].first, parts[least].first) {
      least = index
    }
    let text = parts[least].first
    if let next = try parts[least].rest.next() {
      parts[least].first = next
    } else {
      parts.remove(at: least)
    }
    return text
  }
}
