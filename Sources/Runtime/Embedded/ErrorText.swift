import CVitSystem

/// Writes the text of a failure into the calling thread's buffer, which `last_error` hands out.
///
/// Text that does not fit is cut off at the buffer's end; the text always ends with a zero byte.
struct ErrorText {
  private let buffer: UnsafeMutablePointer<CChar>?
  private var length = 0

  /// Starts a text, which replaces the thread's last one.
  init(_ program: UnsafePointer<vit_program>) {
    buffer = program.pointee.error_text?()
    buffer?[0] = 0
  }

  /// Appends one byte.
  private mutating func append(byte: UInt8) {
    guard let buffer, length < Int(VIT_ERROR_BYTES) - 1 else { return }
    buffer[length] = CChar(truncatingIfNeeded: byte)
    length &+= 1
    buffer[length] = 0
  }

  /// Appends a letter.
  mutating func append(ascii letter: UInt8) { append(byte: letter) }

  /// Appends a literal.
  mutating func append(_ text: StaticString) {
    for i in 0..<text.utf8CodeUnitCount { append(byte: text.utf8Start[i]) }
  }

  /// Appends a C string.
  mutating func append(text: UnsafePointer<CChar>) {
    var at = text
    while at.pointee != 0 {
      append(byte: UInt8(truncatingIfNeeded: at.pointee))
      at += 1
    }
  }

  /// Appends a C string in single quotes.
  mutating func append(quoted text: UnsafePointer<CChar>) {
    append(byte: 0x27)
    append(text: text)
    append(byte: 0x27)
  }

  /// Appends an integer, decimal.
  mutating func append(_ value: Int) {
    if value < 0 { append(byte: 0x2d) }
    append(UInt64(value.magnitude))
  }

  /// Appends an unsigned integer, decimal.
  mutating func append(_ value: UInt64) {
    var divisor: UInt64 = 1
    while value / divisor >= 10 { divisor &*= 10 }
    while divisor > 0 {
      append(byte: UInt8(truncatingIfNeeded: 0x30 &+ value / divisor % 10))
      divisor /= 10
    }
  }

  /// Appends a `size_t`, which Swift takes for signed.
  mutating func append(bytes value: Int) { append(UInt64(UInt(bitPattern: value))) }

  /// Appends a 128-bit hash as 32 hexadecimal digits, the high half first.
  mutating func append(hash: (UInt64, UInt64)) {
    for half in 0..<2 {
      let value = half == 0 ? hash.1 : hash.0
      for digit in 0..<16 {
        let nibble = UInt8(truncatingIfNeeded: value &>> UInt64(60 &- 4 &* digit)) & 15
        append(byte: nibble < 10 ? 0x30 &+ nibble : 0x57 &+ nibble)
      }
    }
  }
}

/// Writes a literal as the failure's text and returns the status: the short form for failures whose
/// text holds no numbers.
func fail(
  _ program: UnsafePointer<vit_program>, _ status: Int32, _ text: StaticString
) -> vit_status {
  var error = ErrorText(program)
  error.append(text)
  return status
}
