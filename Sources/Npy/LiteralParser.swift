import Diagnostics

/// Reads the Python literal that the header of an `.npy` file is: a dictionary of strings, truth
/// values and tuples of numbers.
struct LiteralParser {
  /// A value of the dictionary.
  enum Value: Equatable {
    case string(String)
    case boolean(Bool)
    /// Numbers, none of them negative.
    case tuple([Int])
    /// A list, as structured element types have it; what is in it does not matter.
    case list
  }

  private let text: [UInt8]
  private let location: Diagnostic.Location
  private var position = 0

  /// Creates a parser; errors are at `location`.
  init(_ text: String, _ location: Diagnostic.Location) {
    self.text = Array(text.utf8)
    self.location = location
  }

  /// The diagnostic for a header that cannot be understood.
  static func damaged(_ reason: String, _ location: Diagnostic.Location) -> Diagnostic {
    Diagnostic("the .npy header is damaged: \(reason)", at: location)
  }

  /// Reads `{'key': value, …}`; only spaces may follow.
  mutating func dictionary() throws(Diagnostic) -> [String: Value] {
    var fields: [String: Value] = [:]
    try expect("{")
    while !accept("}") {
      let key = try string()
      try expect(":")
      let value = try value()
      guard fields.updateValue(value, forKey: key) == nil else {
        throw failure("'\(key)' is given twice")
      }
      guard accept(",") else {
        try expect("}")
        break
      }
    }
    skipSpaces()
    guard position == text.count else { throw failure("text follows the dictionary") }
    return fields
  }

  private mutating func value() throws(Diagnostic) -> Value {
    skipSpaces()
    switch current {
    case "'", "\"": return .string(try string())
    case "(": return .tuple(try tuple())
    case "[":
      try skipList()
      return .list
    default:
      if accept("True") { return .boolean(true) }
      if accept("False") { return .boolean(false) }
      throw failure("unexpected text at byte \(position)")
    }
  }

  private mutating func string() throws(Diagnostic) -> String {
    skipSpaces()
    guard let quote = current, quote == "'" || quote == "\"" else {
      throw failure("expected a string at byte \(position)")
    }
    let start = position + 1
    guard
      let end = text[start...].firstIndex(of: UInt8(ascii: quote)),
      !text[start..<end].contains(UInt8(ascii: "\\"))
    else { throw failure("a string at byte \(position) does not end") }
    position = end + 1
    return String(decoding: text[start..<end], as: UTF8.self)
  }

  private mutating func tuple() throws(Diagnostic) -> [Int] {
    var numbers: [Int] = []
    try expect("(")
    while !accept(")") {
      skipSpaces()
      let digits = text[position...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 }
      guard let number = Int(String(decoding: digits, as: UTF8.self)) else {
        throw failure("expected an extent at byte \(position)")
      }
      numbers.append(number)
      position = digits.endIndex
      // Python 2 wrote long numbers so.
      _ = accept("L")
      guard accept(",") else {
        try expect(")")
        break
      }
    }
    return numbers
  }

  /// Skips a list of anything, without recursion, so that no header can exhaust the stack.
  private mutating func skipList() throws(Diagnostic) {
    var depth = 0
    repeat {
      guard let next = current else { throw failure("a list does not end") }
      switch next {
      case "'", "\"":
        _ = try string()
        continue
      case "[": depth += 1
      case "]": depth -= 1
      default: break
      }
      position += 1
    } while depth > 0
  }

  private var current: Unicode.Scalar? {
    position < text.count ? Unicode.Scalar(text[position]) : nil
  }

  private mutating func skipSpaces() {
    while let next = current, next == " " || next == "\n" || next == "\t" { position += 1 }
  }

  /// Skips spaces and, if it comes next, `word`; whether it did.
  private mutating func accept(_ word: String) -> Bool {
    skipSpaces()
    guard text[position...].starts(with: word.utf8) else { return false }
    position += word.utf8.count
    return true
  }

  private mutating func expect(_ word: String) throws(Diagnostic) {
    guard accept(word) else { throw failure("expected '\(word)' at byte \(position)") }
  }

  private func failure(_ reason: String) -> Diagnostic { Self.damaged(reason, location) }
}
