import Foundation
import JSON
import Testing

@Suite struct EncodingTests {
  private enum Kind: Int, Encodable { case one = 1 }

  private struct Sample: Encodable {
    var text = "a"
    var missing: Int?
    var numbers: [Double] = [0.1, 2, -3e-9]
    var float: Float = 0.1
    var kind = Kind.one
    var small: UInt8 = 7
    var byName = ["x": [1], "y": []]
    var details = JSONValue.object(["k": .null])
    var twoWords = true

    enum CodingKeys: String, CodingKey {
      case text, missing, numbers, float, kind, small, details
      case byName = "by_name"
      case twoWords = "two_words"
    }
  }

  /// Uses the containers that the compiler does not.
  private struct Nested: Encodable {
    enum Key: String, CodingKey { case list, object, nothing }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encodeNil(forKey: .nothing)
      var list = container.nestedUnkeyedContainer(forKey: .list)
      try list.encode(1)
      try list.encodeNil()
      var inner = list.nestedContainer(keyedBy: Key.self)
      try inner.encode("a", forKey: .list)
      var deep = list.nestedUnkeyedContainer()
      try deep.encode(contentsOf: [true, false])
      try Sample().encode(to: list.superEncoder())
      var object = container.nestedContainer(keyedBy: Key.self, forKey: .object)
      try object.encode(2.5, forKey: .nothing)
      try 1.encode(to: container.superEncoder())
      try 2.encode(to: object.superEncoder(forKey: .list))
    }
  }

  private static func foundation(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  @Test func everyKindOfMember() throws {
    let text = try JSONValue(encoding: Sample()).text(.compact)
    #expect(
      text == """
        {"by_name":{"x":[1],"y":[]},"details":{"k":null},"float":0.1,"kind":1,\
        "numbers":[0.1,2,-3e-09],"small":7,"text":"a","two_words":true}
        """)
    #expect(try text == Self.foundation(Sample()))
  }

  @Test func everyContainer() throws {
    #expect(
      try JSONValue(encoding: [Nested(), Nested()]).text(.compact)
        == Self.foundation([Nested(), Nested()]))
  }

  @Test func optionalsAndEmptyValues() throws {
    #expect(try JSONValue(encoding: [1, nil]) == .array([.integer(1), .null]))
    #expect(try JSONValue(encoding: [Int]()) == .array([]))
    #expect(try JSONValue(encoding: [String: Int]()) == .object([:]))
    #expect(try JSONValue(encoding: "a") == .string("a"))
  }

  @Test func whatAnIntDoesNotHoldIsRefused() {
    #expect(throws: EncodingError.self) { try JSONValue(encoding: [UInt64.max]) }
  }
}
