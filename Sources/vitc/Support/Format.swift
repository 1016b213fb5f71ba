#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Numbers as text.
enum Format {
  /// A number with `digits` digits after the point.
  static func fixed(_ value: Double, _ digits: Int) -> String {
    printed("%.\(digits)f", value)
  }

  /// A number in scientific form with two significant digits: `1.3e-06`.
  static func scientific(_ value: Double) -> String { printed("%.1e", value) }

  /// A number with up to seven significant digits, as much as a `Float` has.
  static func significant(_ value: Float) -> String { printed("%.7g", Double(value)) }

  /// What C's printf makes of one number.
  ///
  /// No number has more than 309 digits before the point.
  private static func printed(_ format: String, _ value: Double) -> String {
    withVaList([value]) { arguments in
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { text in
        let count = vsnprintf(text.baseAddress, text.count, format, arguments)
        let bytes = UnsafeRawBufferPointer(text)[..<max(0, min(Int(count), text.count - 1))]
        return String(decoding: bytes, as: UTF8.self)
      }
    }
  }

  /// A count with spaces between groups of three digits: `86 567 656`.
  static func grouped(_ value: Int) -> String {
    let digits = Array(String(value.magnitude))
    var text = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += " " }
      text.append(digit)
    }
    return text
  }

  /// Bytes in the largest binary unit that leaves at least 1: `330.3 MiB`.
  static func bytes(_ value: Int) -> String {
    var amount = Double(value)
    var unit = "bytes"
    for next in ["KiB", "MiB", "GiB", "TiB"] where amount >= 1024 {
      amount /= 1024
      unit = next
    }
    return unit == "bytes" ? "\(value) bytes" : "\(fixed(amount, 1)) \(unit)"
  }

  /// A text that may be long: what it begins with, at most 60 characters.
  static func beginning(_ text: String) -> String {
    let shown = text.prefix(60)
    return shown.count < text.count ? "\(shown)…" : text
  }

  /// A shape: `[3, 224, 224]`.
  static func shape(_ shape: [Int]) -> String {
    "[\(shape.map(String.init).joined(separator: ", "))]"
  }

  /// A probability as percent with two digits: `96.99 %`.
  static func percent(_ probability: Double) -> String { "\(fixed(probability * 100, 2)) %" }
}
