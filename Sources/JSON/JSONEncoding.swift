extension JSONValue {
  /// The JSON form of a value, as its `encode(to:)` describes it.
  ///
  /// - Throws: what `encode(to:)` throws; an integer that an `Int` does not hold.
  public init(encoding value: some Encodable) throws {
    let node = Node()
    try node.set(value, path: [])
    self = node.value
  }
}

extension JSONValue: Encodable {
  /// Encodes the value as what it is.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let values): try container.encode(values)
    case .object(let members): try container.encode(members)
    }
  }
}

/// A value while it is encoded: a container hands out its members before they are complete.
private final class Node {
  private var scalar = JSONValue.null
  var elements: [Node]?
  var members: [String: Node]?

  var value: JSONValue {
    if let elements { return .array(elements.map(\.value)) }
    if let members { return .object(members.mapValues(\.value)) }
    return scalar
  }

  func set(_ value: some Encodable, path: [any CodingKey]) throws {
    switch value {
    case let value as JSONValue: scalar = value
    case let value as Bool: scalar = .bool(value)
    case let value as String: scalar = .string(value)
    case let value as Double: scalar = .number(value)
    // The decimal that is meant: 0.1 as a `Float` is 0.10000000149011612 as a `Double`.
    case let value as Float: scalar = .number(Double(value.description) ?? Double(value))
    case let value as any BinaryInteger & Encodable:
      guard let integer = Int(exactly: value) else {
        throw EncodingError.invalidValue(
          value, .init(codingPath: path, debugDescription: "an Int does not hold \(value)"))
      }
      scalar = .integer(integer)
    default: try value.encode(to: NodeEncoder(node: self, codingPath: path))
    }
  }

  func setNull() { scalar = .null }

  /// A new element of the array that this is from now on.
  func element() -> Node {
    let node = Node()
    if elements == nil { elements = [] }
    elements?.append(node)
    return node
  }

  /// A member of the object that this is from now on.
  func member(_ key: String) -> Node {
    let node = Node()
    if members == nil { members = [:] }
    members?[key] = node
    return node
  }
}

private struct NodeEncoder: Encoder {
  let node: Node
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    node.members = node.members ?? [:]
    return KeyedEncodingContainer(MemberContainer(node: node, codingPath: codingPath))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    node.elements = node.elements ?? []
    return ElementContainer(node: node, codingPath: codingPath)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer {
    ScalarContainer(node: node, codingPath: codingPath)
  }
}

private struct ScalarContainer: SingleValueEncodingContainer {
  let node: Node
  let codingPath: [any CodingKey]

  func encodeNil() { node.setNull() }

  func encode<T: Encodable>(_ value: T) throws { try node.set(value, path: codingPath) }
}

private struct ElementContainer: UnkeyedEncodingContainer {
  let node: Node
  let codingPath: [any CodingKey]
  var count: Int { node.elements?.count ?? 0 }

  private func encoder() -> NodeEncoder {
    NodeEncoder(node: node.element(), codingPath: codingPath)
  }

  func encodeNil() { node.element().setNull() }

  func encode<T: Encodable>(_ value: T) throws { try node.element().set(value, path: codingPath) }

  func nestedContainer<Key>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    encoder().container(keyedBy: type)
  }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder().unkeyedContainer() }

  func superEncoder() -> any Encoder { encoder() }
}

private struct MemberContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let node: Node
  let codingPath: [any CodingKey]

  private func encoder(_ key: any CodingKey) -> NodeEncoder {
    NodeEncoder(node: node.member(key.stringValue), codingPath: codingPath + [key])
  }

  func encodeNil(forKey key: Key) { node.member(key.stringValue).setNull() }

  func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    try node.member(key.stringValue).set(value, path: codingPath + [key])
  }

  func nestedContainer<NestedKey>(
    keyedBy type: NestedKey.Type, forKey key: Key
  ) -> KeyedEncodingContainer<NestedKey> { encoder(key).container(keyedBy: type) }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    encoder(key).unkeyedContainer()
  }

  func superEncoder() -> any Encoder { encoder(SuperKey()) }

  func superEncoder(forKey key: Key) -> any Encoder { encoder(key) }
}

/// The key that a superclass is encoded under.
private struct SuperKey: CodingKey {
  var stringValue: String { "super" }
  var intValue: Int? { nil }

  init() {}
  init?(stringValue: String) { return nil }
  init?(intValue: Int) { return nil }
}
