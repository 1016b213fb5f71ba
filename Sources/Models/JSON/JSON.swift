/// A JSON value, as the small strict reader in `JSONReader` gives it.
///
/// Foundation's reader keeps the last of two equal keys; a checkpoint header with two tensors of
/// one name must be refused, so this one does not.
enum JSON: Hashable, Sendable {
  case null
  case bool(Bool)
  /// A number without fraction and exponent that fits an `Int`.
  case integer(Int)
  /// Any other number.
  case number(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])

  /// What the value is, for messages: `the string "a"`, `the integer 3`, `an array`.
  var described: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .integer(let value): "the integer \(value)"
    case .number(let value): "the number \(value)"
    case .string(let value): "the string \"\(value.prefix(40))\""
    case .array(let values): "an array of \(values.count)"
    case .object: "an object"
    }
  }
}

/// Why some bytes are not JSON, and where: a byte offset from their beginning.
struct JSONError: Error, Hashable {
  var message: String
  var offset: Int

  /// The line and the column of the offset, both from 1; columns count bytes.
  func position(in bytes: [UInt8]) -> (line: Int, column: Int) {
    var line = 1
    var start = 0
    for (index, byte) in bytes.prefix(offset).enumerated() where byte == UInt8(ascii: "\n") {
      line += 1
      start = index + 1
    }
    return (line, offset - start + 1)
  }
}
