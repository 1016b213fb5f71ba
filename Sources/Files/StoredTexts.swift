import Diagnostics

/// Texts in the order in which they were added: few in memory, many in a file without a name, so
/// that memory does not depend on their number.
public final class StoredTexts {
  /// How many texts there are.
  public private(set) var count = 0

  private let space: ScratchSpace
  private var file: ScratchFile?
  /// What is not in the file yet, as ``TextRecord`` has it.
  private var rest: [UInt8] = []

  /// Holds no texts.
  public init(_ space: ScratchSpace) { self.space = space }

  /// Adds a text.
  ///
  /// Errors: there is no place for it.
  public func append(_ text: String) throws(Diagnostic) {
    TextRecord.append(text, to: &rest)
    count += 1
    if rest.count >= space.memoryBytes { try store() }
  }

  private func store() throws(Diagnostic) {
    let file = if let known = self.file { known } else { try ScratchFile(space) }
    self.file = file
    try file.append(rest)
    rest.removeAll(keepingCapacity: true)
  }

  /// Reads the texts that there are now, from the first on.
  ///
  /// Errors: there is no place for them.
  public func reader() throws(Diagnostic) -> TextReader {
    guard let file else { return TextReader(rest) }
    if !rest.isEmpty { try store() }
    return TextReader(file, 0..<file.count)
  }

  /// Calls `body` for each text, in order.
  ///
  /// Errors: a text cannot be read; what `body` throws.
  public func forEach(_ body: (String) throws(Diagnostic) -> Void) throws(Diagnostic) {
    let reader = try reader()
    while let text = try reader.next() { try body(text) }
  }
}

/// Reads texts one after the other.
public final class TextReader {
  private let file: ScratchFile?
  /// What of the file is not in the buffer yet.
  private var place: Range<Int>
  private var buffer: [UInt8]
  private var start = 0

  /// How many bytes are read at once.
  private static let bufferBytes = 1 << 14

  init(_ bytes: [UInt8]) {
    file = nil
    place = 0..<0
    buffer = bytes
  }

  init(_ file: ScratchFile, _ range: Range<Int>) {
    self.file = file
    place = range
    buffer = []
  }

  /// The next text; `nil` after the last.
  ///
  /// Errors: it cannot be read.
  public func next() throws(Diagnostic) -> String? {
    try fill(TextRecord.lengthBytes)
    guard start < buffer.count else { return nil }
    let length = TextRecord.length(buffer, at: start)
    try fill(TextRecord.lengthBytes + length)
    let first = start + TextRecord.lengthBytes
    start = first + length
    return String(decoding: buffer[first..<start], as: UTF8.self)
  }

  /// Sees to it that so many bytes are in the buffer, or all that there are.
  private func fill(_ bytes: Int) throws(Diagnostic) {
    guard buffer.count - start < bytes, !place.isEmpty, let file else { return }
    buffer.removeFirst(start)
    start = 0
    let count = min(place.count, max(bytes, Self.bufferBytes))
    buffer += try file.read(place.lowerBound..<place.lowerBound + count)
    place = place.lowerBound + count..<place.upperBound
  }
}

/// How a text is stored: the number of its bytes in UTF-8, in four, and these.
enum TextRecord {
  /// How many bytes the number takes.
  static let lengthBytes = 4

  /// Appends a text.
  static func append(_ text: String, to bytes: inout [UInt8]) {
    let count = UInt32(text.utf8.count)
    for part in 0..<lengthBytes { bytes.append(UInt8(truncatingIfNeeded: count >> (8 * part))) }
    bytes += text.utf8
  }

  /// The number of bytes of the text that is stored at an offset.
  static func length(_ bytes: [UInt8], at offset: Int) -> Int {
    (0..<lengthBytes).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
  }
}
