import Diagnostics
import JSON

extension JSONValue {
  /// The value on one line, for people: strings bare, arrays and objects with commas.
  var brief: String {
    switch self {
    case .null: "none"
    case .bool(let value): value ? "yes" : "no"
    case .integer(let value): String(value)
    case .number(let value): String(value)
    case .string(let value): value
    case .array(let values): values.map(\.brief).joined(separator: ", ")
    case .object(let members):
      members.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.brief)" }
        .joined(separator: ", ")
    }
  }

  /// Prints a value as JSON on stdout: keys sorted, indented by two spaces.
  static func print(_ value: some Encodable) throws(Diagnostic) {
    do {
      Swift.print(PlainText.escapedJSON(try JSONValue(encoding: value).text(.indented)))
    } catch {
      throw Diagnostic("cannot express the result as JSON", notes: ["\(error)"])
    }
  }
}
