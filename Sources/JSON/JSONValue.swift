/// A JSON value, as `JSONReader` reads it and `text(_:)` writes it.
///
/// Foundation's reader keeps the last of two equal keys; a checkpoint header with two tensors of
/// one name must be refused, so this one does not.
public enum JSONValue: Hashable, Sendable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number without fraction and exponent that fits an `Int`.
  case integer(Int)
  /// Any other number.
  case number(Double)
  /// A string.
  case string(String)
  /// An array.
  case array([JSONValue])
  /// An object; the order of its members means nothing.
  case object([String: JSONValue])

  /// Reads a text.
  ///
  /// - Throws: why it is not JSON, and where.
  public init(parsing text: String) throws(JSONError) {
    self = try JSONReader.read(Array(text.utf8))
  }

  /// The member of an object; `nil` for every other value.
  public subscript(key: String) -> JSONValue? {
    if case .object(let members) = self { members[key] } else { nil }
  }

  /// The text of a string; `nil` for every other value.
  public var string: String? {
    if case .string(let value) = self { value } else { nil }
  }

  /// The elements of an array; `nil` for every other value.
  public var array: [JSONValue]? {
    if case .array(let values) = self { values } else { nil }
  }

  /// What the value is, for messages: `the string "a"`, `the integer 3`, `an array`.
  public var described: String {
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
