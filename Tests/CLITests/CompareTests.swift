import Foundation
import JSON
import Npy
import Testing

@testable import vitc

@Suite struct CompareTests {
  /// Logits are 20 times the mean of each channel, and a bias in the other library.
  @Test func worstImagesComeFirst() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let other = try Toy.build(in: folder, name: "libother.so", defines: ["BIAS=0.5f"])
    let images = (0..<24).map { Float($0 < 12 ? 100 : 0.5) }
    try NpyArray(shape: [2, 3, 2, 2], values: images).write(to: folder("x.npy"))
    let same = try vitc("compare", model, model, "--input", folder("x.npy"), "--json").json()
    #expect(same["images"] == .integer(2))
    for output in try #require(same["outputs"]?.array) {
      #expect(output["relative_error"].flatMap(Self.number) == 0, "\(output)")
      #expect(
        abs((output["worst_cosine"].flatMap(Self.number) ?? 0) - 1) < 1e-14, "\(output)")
    }
    let json = try vitc("compare", model, other, "--input", folder("x.npy"), "--json").json()
    let outputs = try #require(json["outputs"]?.array)
    #expect(outputs.map { $0["name"] } == [.string("logits"), .string("features")])
    let logits = outputs[0]
    // 0.5 / 2000 and 0.5 / 10; their geometric mean is sqrt(0.00025 * 0.05).
    #expect(abs((logits["worst_relative_error"].flatMap(Self.number) ?? 0) - 0.05) < 1e-6)
    #expect(abs((logits["relative_error"].flatMap(Self.number) ?? 0) - 3.5355339e-3) < 1e-6)
    #expect(logits["agreement"].flatMap(Self.number) == 1)
    #expect(
      logits["worst"]?.array?.map { $0["image"] } == [.string("image 1"), .string("image 0")])
    #expect(outputs[1]["agreement"] == nil)
    let text = try vitc("compare", model, other, "--input", folder("x.npy"), "--worst", "1").output
    #expect(text.contains("2 images\n"))
    #expect(text.contains("logits, the worst first\n  image 1  0.050000  1.000000\n"), "\(text)")
  }

  private static func number(_ value: JSONValue) -> Double? {
    switch value {
    case .number(let number): number
    case .integer(let number): Double(number)
    default: nil
    }
  }

  @Test func mistakesAreTold() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let nameless = try Toy.build(
      in: folder, name: "libthird.so", defines: ["FIRST=\"scores\""])
    let neither = try vitc("compare", model, model)
    #expect(neither.code == 64)
    #expect(neither.errors.contains("Give one of --images, --texts and --input."))
    let negative = try vitc("compare", model, model, "--input", "x.npy", "--worst", "-1")
    #expect(negative.code == 64)
    try NpyArray(shape: [1, 3, 2, 2], values: [Float](repeating: 1, count: 12))
      .write(to: folder("x.npy"))
    // What both have is compared.
    let part = try vitc("compare", model, nameless, "--input", folder("x.npy"))
    #expect(part.code == 0 && part.output.contains("features"), "\(part.errors)")
    #expect(!part.output.contains("logits"))
    let missing = try vitc("compare", model, folder("none.so"), "--input", folder("x.npy"))
    #expect(missing.code == 1 && missing.errors.contains("none.so"), "\(missing.errors)")
  }
}
