import Foundation
import JSON
import Testing

/// What is written is what Foundation's encoder wrote: scripts read it.
@Suite struct WriterTests {
  @Test func layouts() {
    let value = JSONValue.object([
      "b": .array([.integer(1), .number(2), .null]), "a": .object([:]), "é": .bool(true),
    ])
    #expect(value.text(.compact) == #"{"a":{},"b":[1,2,null],"é":true}"#)
    #expect(
      value.text(.indented) == """
        {
          "a" : {

          },
          "b" : [
            1,
            2,
            null
          ],
          "é" : true
        }
        """)
  }

  @Test func whatIsNotFiniteIsAString() {
    let value = JSONValue.array([.number(.infinity), .number(-.infinity), .number(.nan)])
    #expect(value.text(.compact) == #"["Infinity","-Infinity","NaN"]"#)
  }

  @Test(arguments: 0..<200)
  func foundationWritesTheSame(_ seed: UInt64) throws {
    var random = RandomValues(seed: seed)
    let value = random.value(depth: 0)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    #expect(value.text(.compact) == String(decoding: try encoder.encode(value), as: UTF8.self))
    encoder.outputFormatting.insert(.prettyPrinted)
    #expect(value.text(.indented) == String(decoding: try encoder.encode(value), as: UTF8.self))
    #expect(try JSONValue(parsing: value.text(.indented)) == value)
  }
}

/// Values of every kind, nested, from a seed.
private struct RandomValues {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// A number below `bound`, by a linear congruential generator (Knuth's MMIX).
  private mutating func draw(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % bound
  }

  mutating func value(depth: Int) -> JSONValue {
    switch draw(depth < 4 ? 8 : 6) {
    case 0: .null
    case 1: .bool(draw(2) == 0)
    case 2: .integer(draw(1_000_000) - 500_000)
    case 3: .integer(draw(2) == 0 ? .max : .min)
    case 4: .number(number())
    case 5: .string(string())
    case 6: .array((0..<draw(4)).map { _ in value(depth: depth + 1) })
    default:
      .object(
        Dictionary((0..<draw(5)).map { _ in (string(), value(depth: depth + 1)) }) { $1 })
    }
  }

  /// With a fraction: what is whole reads back as an integer.
  private mutating func number() -> Double {
    let exponent = draw(600) - 300
    let number = (Double(draw(1 << 30)) + 0.37) * pow(10, Double(exponent))
    return number == number.rounded() && abs(number) < 0x1p63 ? number + 0.5 : number
  }

  private mutating func string() -> String {
    let letters = ["a", "B", "b", "_", "é", "😀", "\u{FF5E}", "\"", "\\", "/", "\u{7F}"]
    return (0..<draw(6)).map { _ in
      draw(4) == 0 ? String(UnicodeScalar(UInt8(draw(32)))) : letters[draw(letters.count)]
    }.joined()
  }
}
