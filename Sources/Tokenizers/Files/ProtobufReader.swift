import Diagnostics

/// Reads the fields of one message of Protocol Buffers, of untrusted origin.
///
/// Fields are numbers, four or eight bytes, and runs of bytes, which strings and messages within
/// are; groups, which nobody writes, are refused. See
/// https://protobuf.dev/programming-guides/encoding.
struct ProtobufReader {
  /// What a field holds.
  enum Value {
    /// An integer, an enumeration or a truth value.
    case number(UInt64)
    /// The bits of a `float` or of a fixed 32-bit integer.
    case word(UInt32)
    /// The bits of a `double` or of a fixed 64-bit integer.
    case doubleWord(UInt64)
    /// Where the bytes of a string, of a message or of bytes are.
    case bytes(Range<Int>)
  }

  let bytes: [UInt8]
  private var index: Int
  private let end: Int
  private let path: String

  /// A reader of a whole file, or of a message within.
  init(_ bytes: [UInt8], _ range: Range<Int>? = nil, path: String) {
    self.bytes = bytes
    self.path = path
    index = range?.lowerBound ?? 0
    end = range?.upperBound ?? bytes.count
  }

  /// The next field; `nil` at the end.
  mutating func next() throws(Diagnostic) -> (field: Int, value: Value)? {
    guard index < end else { return nil }
    let tag = try number()
    let field = Int(truncatingIfNeeded: tag >> 3)
    switch tag & 7 {
    case 0: return (field, .number(try number()))
    case 1: return (field, .doubleWord(try fixed(8)))
    case 2:
      let length = try number()
      guard length <= UInt64(end - index) else { throw damaged("a field is cut off") }
      let range = index..<index + Int(length)
      index = range.upperBound
      return (field, .bytes(range))
    case 5: return (field, .word(UInt32(try fixed(4))))
    default: throw damaged("a field of the unknown wire type \(tag & 7)")
    }
  }

  private mutating func number() throws(Diagnostic) -> UInt64 {
    var value: UInt64 = 0
    // 10 groups of 7 bits hold 64.
    for group in 0..<10 {
      guard index < end else { throw damaged("a number is cut off") }
      let byte = bytes[index]
      index += 1
      value |= UInt64(byte & 0x7F) << UInt64(7 * group)
      if byte < 0x80 { return value }
    }
    throw damaged("a number of more than 10 bytes")
  }

  private mutating func fixed(_ count: Int) throws(Diagnostic) -> UInt64 {
    guard end - index >= count else { throw damaged("a number is cut off") }
    defer { index += count }
    return (0..<count).reduce(0) { $0 | UInt64(bytes[index + $1]) << UInt64(8 * $1) }
  }

  private func damaged(_ reason: String) -> Diagnostic {
    Diagnostic(
      "not a SentencePiece model: \(reason), at byte \(index)", at: .file(path),
      hint: "a pointer file of Git LFS in its place? 'git lfs pull' fetches the file")
  }
}
