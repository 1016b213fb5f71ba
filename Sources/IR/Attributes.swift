import Diagnostics

/// The attributes of one operation: named, typed, in the order of declaration.
///
/// Operations write theirs with `set` and read them back with the typed getters; what is at its
/// default is not written. Reading consumes, so that what is left over is an unknown attribute.
public struct Attributes: Hashable, Sendable {
  /// The value of an attribute.
  public enum Value: Hashable, Sendable {
    /// An integer; also readable as a number.
    case integer(Int)
    /// A number, printed as the shortest text that reads back the same.
    case number(Float)
    /// A word, printed in double quotes.
    case text(String)
    /// `true` or `false`.
    case boolean(Bool)
    /// A list of integers in brackets.
    case integers([Int])
  }

  private(set) var entries: [(name: String, value: Value)] = []

  /// Creates an empty list.
  public init() {}

  /// `true` iff there are none.
  public var isEmpty: Bool { entries.isEmpty }
  /// The names, in order.
  public var names: [String] { entries.map(\.name) }

  /// Appends one.
  public mutating func set(_ name: String, _ value: Value) { entries.append((name, value)) }

  /// Returns an attribute as it is, or `nil`, without consuming it.
  public func value(_ name: String) -> Value? { entries.first { $0.name == name }?.value }

  mutating func take(_ name: String) -> Value? {
    guard let index = entries.firstIndex(where: { $0.name == name }) else { return nil }
    return entries.remove(at: index).value
  }

  mutating func integer(_ name: String, default value: Int? = nil) throws(Diagnostic) -> Int {
    switch take(name) {
    case .integer(let found): return found
    case nil: return try required(name, value)
    default: throw wrongType(name, "an integer")
    }
  }

  mutating func number(_ name: String, default value: Float? = nil) throws(Diagnostic) -> Float {
    switch take(name) {
    case .number(let found): return found
    case .integer(let found): return Float(found)
    case nil: return try required(name, value)
    default: throw wrongType(name, "a number")
    }
  }

  mutating func optionalNumber(_ name: String) throws(Diagnostic) -> Float? {
    value(name) == nil ? nil : try number(name)
  }

  mutating func optionalInteger(_ name: String) throws(Diagnostic) -> Int? {
    value(name) == nil ? nil : try integer(name)
  }

  mutating func boolean(_ name: String, default value: Bool = false) throws(Diagnostic) -> Bool {
    switch take(name) {
    case .boolean(let found): return found
    case nil: return value
    default: throw wrongType(name, "true or false")
    }
  }

  mutating func integers(_ name: String) throws(Diagnostic) -> [Int] {
    switch take(name) {
    case .integers(let found): return found
    case nil: return try required(name, nil)
    default: throw wrongType(name, "a list of integers")
    }
  }

  mutating func text(_ name: String, default value: String? = nil) throws(Diagnostic) -> String {
    switch take(name) {
    case .text(let found): return found
    case nil: return try required(name, value)
    default: throw wrongType(name, "a text in quotes")
    }
  }

  mutating func choice<T: RawRepresentable & CaseIterable>(
    _ name: String, default value: T? = nil
  ) throws(Diagnostic) -> T where T.RawValue == String {
    let word = try text(name, default: value?.rawValue)
    guard let found = T(rawValue: word) else {
      let known = T.allCases.map(\.rawValue)
      throw Diagnostic(
        "attribute '\(name)' is '\(word)', expected one of \(known.joined(separator: ", "))",
        hint: Suggestion.hint(for: word, in: known))
    }
    return found
  }

  mutating func optionalChoice<T: RawRepresentable & CaseIterable>(
    _ name: String
  ) throws(Diagnostic) -> T? where T.RawValue == String {
    value(name) == nil ? nil : try choice(name)
  }

  private func required<T>(_ name: String, _ value: T?) throws(Diagnostic) -> T {
    guard let value else { throw Diagnostic("attribute '\(name)' is missing") }
    return value
  }

  private func wrongType(_ name: String, _ expected: String) -> Diagnostic {
    Diagnostic("attribute '\(name)' has the wrong type, expected \(expected)")
  }

  /// Equal iff the same names and values come in the same order.
  public static func == (a: Attributes, b: Attributes) -> Bool {
    a.entries.elementsEqual(b.entries) { $0.name == $1.name && $0.value == $1.value }
  }

  /// Hashes names and values in order.
  public func hash(into hasher: inout Hasher) {
    for entry in entries {
      hasher.combine(entry.name)
      hasher.combine(entry.value)
    }
  }
}

extension Attributes: CustomStringConvertible {
  /// The text form, such as `{epsilon = 1e-06, heads = 12}`; empty where there are none.
  public var description: String {
    entries.isEmpty
      ? "" : "{" + entries.map { "\($0.name) = \($0.value)" }.joined(separator: ", ") + "}"
  }
}

extension Attributes.Value: CustomStringConvertible {
  /// The text form.
  public var description: String {
    switch self {
    case .integer(let value): String(value)
    case .number(let value): value.description
    case .text(let value): value.quoted
    case .boolean(let value): String(value)
    case .integers(let values): "[\(values.map(String.init).joined(separator: ", "))]"
    }
  }
}
