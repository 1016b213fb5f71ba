import Diagnostics
import JSON

/// A JSON file whose value is an object: `config.json` and its kin.
///
/// `NaN` and `Infinity` are numbers there, as Python reads them; where such a number is asked for,
/// it is an error.
struct ConfigurationFile {
  let path: String
  let root: ConfigurationObject

  /// Larger files are not configurations.
  private static let sizeLimitBytes = 100_000_000

  init(path: String) throws(Diagnostic) {
    let file = try ReadableFile(path)
    guard file.sizeBytes <= Self.sizeLimitBytes else {
      throw Diagnostic(
        "\(file.sizeBytes) bytes are too many for a configuration", at: .file(path))
    }
    let bytes = try file.bytes(at: 0, count: file.sizeBytes)
    do throws(JSONError) {
      guard case .object(let members) = try JSONReader.read(bytes, allowsNonFinite: true)
      else {
        throw JSONError(message: "expected an object", offset: 0)
      }
      self.path = path
      root = ConfigurationObject(path: path, prefix: "", members: members)
    } catch {
      let (line, column) = error.position(in: bytes)
      throw Diagnostic(
        "not valid JSON: \(error.message)", at: .text(file: path, line: line, column: column))
    }
  }

  func object(_ key: String) throws(Diagnostic) -> ConfigurationObject {
    guard let object = try root.object(key) else { throw root.absent(key) }
    return object
  }
}

/// An object of a configuration file, with access by key and type.
///
/// A key that is absent and a key whose value is `null` are the same; a value of another type is an
/// error that names it.
struct ConfigurationObject {
  let path: String
  /// The keys that lead here, each followed by a dot.
  let prefix: String
  let members: [String: JSONValue]

  func value(_ key: String) -> JSONValue? {
    guard let value = members[key], value != .null else { return nil }
    return value
  }

  func absent(_ key: String) -> Diagnostic {
    Diagnostic(
      "'\(prefix)\(key)' is missing", at: .file(path),
      hint: Suggestion.hint(for: key, in: members.keys.sorted()))
  }

  func mistyped(_ key: String, _ value: JSONValue, expected: String) -> Diagnostic {
    Diagnostic("'\(prefix)\(key)' is \(value.described), expected \(expected)", at: .file(path))
  }

  func object(_ key: String) throws(Diagnostic) -> ConfigurationObject? {
    guard let value = value(key) else { return nil }
    guard case .object(let members) = value else {
      throw mistyped(key, value, expected: "an object")
    }
    return ConfigurationObject(path: path, prefix: "\(prefix)\(key).", members: members)
  }

  /// The configuration of a part of the model; absent, all of its keys are.
  ///
  /// A key that ends in `_dict`, as transformers once wrote it, comes before the other.
  func part(_ key: String) throws(Diagnostic) -> ConfigurationObject {
    let whole = try object(key)
    let old = try object("\(key)_dict")
    return ConfigurationObject(
      path: path, prefix: "\(prefix)\(key).",
      members: (whole?.members ?? [:]).merging(old?.members ?? [:]) { _, last in last })
  }

  func string(_ key: String) throws(Diagnostic) -> String? {
    guard let value = value(key) else { return nil }
    guard case .string(let text) = value else {
      throw mistyped(key, value, expected: "a string")
    }
    return text
  }

  func bool(_ key: String) throws(Diagnostic) -> Bool? {
    guard let value = value(key) else { return nil }
    guard case .bool(let flag) = value else {
      throw mistyped(key, value, expected: "true or false")
    }
    return flag
  }

  func integer(_ key: String) throws(Diagnostic) -> Int? {
    guard let value = value(key) else { return nil }
    guard let number = value.integer else { throw mistyped(key, value, expected: "an integer") }
    return try inRange(key, number)
  }

  /// No count or size of a model comes near 2^31, and sums and small products of what stays below
  /// it do not overflow before they are checked.
  private func inRange(_ key: String, _ number: Int) throws(Diagnostic) -> Int {
    guard abs(Double(number)) <= 0x1p31 else {
      throw mistyped(key, .integer(number), expected: "an integer between -2^31 and 2^31")
    }
    return number
  }

  func double(_ key: String) throws(Diagnostic) -> Double? {
    guard let value = value(key) else { return nil }
    guard let number = value.double else { throw mistyped(key, value, expected: "a number") }
    guard number.isFinite else { throw mistyped(key, value, expected: "a finite number") }
    return number
  }

  func doubles(_ key: String) throws(Diagnostic) -> [Double]? {
    guard let value = value(key) else { return nil }
    guard case .array(let elements) = value else {
      throw mistyped(key, value, expected: "an array of finite numbers")
    }
    var numbers: [Double] = []
    for element in elements {
      guard let number = element.double, number.isFinite else {
        throw mistyped(key, element, expected: "an array of finite numbers")
      }
      numbers.append(number)
    }
    return numbers
  }

  func integers(_ key: String) throws(Diagnostic) -> [Int]? {
    guard let value = value(key) else { return nil }
    guard case .array(let elements) = value else {
      throw mistyped(key, value, expected: "an array of integers")
    }
    var numbers: [Int] = []
    for element in elements {
      guard let number = element.integer else {
        throw mistyped(key, element, expected: "an array of integers")
      }
      numbers.append(number)
    }
    return numbers
  }

  /// One integer, taken twice, or an array of two: height and width.
  func extent(_ key: String) throws(Diagnostic) -> (height: Int, width: Int)? {
    guard let value = value(key) else { return nil }
    if let side = value.integer {
      let side = try inRange(key, side)
      return (side, side)
    }
    guard case .array(let sides) = value, sides.count == 2, let height = sides[0].integer,
      let width = sides[1].integer
    else { throw mistyped(key, value, expected: "an integer or two") }
    return (try inRange(key, height), try inRange(key, width))
  }
}

extension JSONValue {
  /// The value of an integer, also of one that is written as `224.0`.
  var integer: Int? {
    switch self {
    case .integer(let value): value
    case .number(let value): Int(exactly: value)
    case .null, .bool, .string, .array, .object: nil
    }
  }

  /// `true` iff both are numbers and equal: 32 and 32.0.
  func isSameNumber(as other: JSONValue) -> Bool {
    guard let number = double else { return false }
    return number == other.double
  }

  /// The value of a number.
  var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    case .null, .bool, .string, .array, .object: nil
    }
  }
}
