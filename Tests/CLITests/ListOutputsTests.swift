import Foundation
import JSON
import Testing

@testable import vitc

/// `vitc list outputs`.
@Suite struct ListOutputsTests {
  private func outputs(_ model: String) throws -> [String: JSONValue] {
    let result = try vitc("list", "outputs", model, "--json")
    #expect(result.code == 0, "\(result.errors)")
    let rows = try #require(try result.json().array)
    return Dictionary(uniqueKeysWithValues: rows.map { ($0["output"]?.string ?? "", $0) })
  }

  private static func folder(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Goldens/hf/\(name)").path
  }

  @Test func ofAName() throws {
    let outputs = try outputs("vit_tiny_patch16_224")
    #expect(outputs["features"]?["shape"] == .array([.integer(192)]))
    #expect(outputs["logits"]?["shape"] == .array([.integer(1000)]))
    #expect(outputs["tokens"]?["bytes"] == .integer(197 * 192 * 4))
  }

  /// What its checkpoint lacks a folder does not have.
  @Test func ofAFolder() throws {
    let classifier = try outputs(Self.folder("vit"))
    #expect(classifier["pooled"]?["shape"] == .array([.integer(36)]))
    #expect(classifier["pooler"]?["shape"] == nil)
    #expect(classifier["pooler"]?["reason"]?.string?.contains("has no pooler") == true)
    let bare = try outputs(Self.folder("vit-pooler"))
    #expect(bare["pooler"]?["shape"] == .array([.integer(20)]))
    #expect(bare["logits"]?["reason"]?.string?.contains("has no head") == true)
  }
}
