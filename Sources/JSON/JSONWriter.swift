extension JSONValue {
  /// How a text is laid out.
  public enum Layout: Sendable {
    /// On one line without blanks.
    case compact
    /// A member or an element on each line, indented by two spaces.
    case indented
  }

  /// The text of the value, keys in the order of their UTF-8 bytes: equal values have equal texts.
  ///
  /// Numbers are the shortest ones that read back the same. JSON has no numbers that are not
  /// finite: they are strings, `"Infinity"`, `"-Infinity"` and `"NaN"`.
  public func text(_ layout: Layout) -> String {
    var writer = JSONWriter(layout: layout)
    writer.write(self)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}

/// Writes a value as JSON, byte by byte as Foundation's `JSONEncoder` does with `sortedKeys`,
/// `withoutEscapingSlashes` and, where indented, `prettyPrinted`.
private struct JSONWriter {
  let layout: JSONValue.Layout
  private(set) var bytes: [UInt8] = []
  private var depth = 0

  init(layout: JSONValue.Layout) { self.layout = layout }

  mutating func write(_ value: JSONValue) {
    switch value {
    case .null: append("null")
    case .bool(let value): append(value ? "true" : "false")
    case .integer(let value): append(String(value))
    case .number(let value): write(value)
    case .string(let value): write(value)
    case .array(let values):
      list("[", "]", values) { writer, value in writer.write(value) }
    case .object(let members):
      let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      list("{", "}", sorted) { writer, member in
        writer.write(member.key)
        writer.append(writer.layout == .compact ? ":" : " : ")
        writer.write(member.value)
      }
    }
  }

  private mutating func append(_ text: some StringProtocol) { bytes += text.utf8 }

  private mutating func list<Item>(
    _ opening: String, _ closing: String, _ items: [Item],
    _ write: (inout JSONWriter, Item) -> Void
  ) {
    append(opening)
    depth += 1
    for (index, item) in items.enumerated() {
      if index > 0 { append(",") }
      breakLine()
      write(&self, item)
    }
    depth -= 1
    // Foundation leaves an empty line in what is empty.
    if items.isEmpty, layout == .indented { append("\n") }
    breakLine()
    append(closing)
  }

  private mutating func breakLine() {
    guard layout == .indented else { return }
    append("\n" + String(repeating: "  ", count: depth))
  }

  private mutating func write(_ number: Double) {
    guard number.isFinite else {
      return append(number.isNaN ? "\"NaN\"" : number < 0 ? "\"-Infinity\"" : "\"Infinity\"")
    }
    let text = number.description
    append(text.hasSuffix(".0") ? text.dropLast(2) : text[...])
  }

  private mutating func write(_ string: String) {
    append("\"")
    for byte in string.utf8 {
      switch byte {
      case UInt8(ascii: "\""): append("\\\"")
      case UInt8(ascii: "\\"): append("\\\\")
      case 0x08: append("\\b")
      case 0x09: append("\\t")
      case 0x0A: append("\\n")
      case 0x0C: append("\\f")
      case 0x0D: append("\\r")
      case 0..<0x20: append("\\u00" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16))
      default: bytes.append(byte)
      }
    }
    append("\"")
  }
}
