import Foundation
import Testing

@testable import Models

/// The page that says which field of its library each output equals, `Docs/Models.md`: it leaves
/// out no family, and says of none what it does not give.
@Suite struct OutputPageTests {
  /// The cells of a section's table, without its head.
  private static func rows(_ section: String) throws -> [[String]] {
    let url = goldens.deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Docs/Models.md")
    let text = try String(contentsOf: url, encoding: .utf8)
    let parts = text.components(separatedBy: "\n## ").filter { $0.hasPrefix(section + "\n") }
    let part = try #require(parts.first, "no section '\(section)'")
    let lines = part.components(separatedBy: "\n").filter { $0.hasPrefix("|") }
    return lines.dropFirst(2).map { line in
      line.dropFirst().dropLast().components(separatedBy: "|")
        .map { $0.trimmingCharacters(in: .whitespaces) }
    }
  }

  /// What a cell has between backticks.
  private static func names(_ cell: String) -> [String] {
    cell.components(separatedBy: "`").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
  }

  @Test func `every model_type has a row, and every row a model_type`() throws {
    let found = try Self.rows("Folders of transformers").flatMap { Self.names($0[0]) }
    let known = Families.modelTypes.map(\.modelType)
    #expect(Set(known).subtracting(found).sorted() == [], "not in Docs/Models.md")
    #expect(Set(found).subtracting(known).sorted() == [], "in Docs/Models.md alone")
    #expect(Set(found).count == found.count, "twice in Docs/Models.md")
  }

  /// In the order of `vitc list`, with what the code of each makes of the tokens.
  @Test func `every family of timm's names has a row`() throws {
    let wanted = Families.all.filter { !$0.variants.isEmpty }.map { family in
      var made: [String] = []
      for variant in family.variants {
        let feature = Self.feature(variant.model)
        if !made.contains(feature) { made.append(feature) }
      }
      return ["`\(family.title)`", made.joined(separator: "; or ")]
    }
    let found = try Self.rows("timm's names and folders")
    for row in wanted where !found.contains(row) {
      Issue.record("not in Docs/Models.md: | \(row[0]) | \(row[1]) |")
    }
    #expect(found.map { $0[0] } == wanted.map { $0[0] })
  }

  /// What a model's `features` are, in the words of the page.
  private static func feature(_ model: any Family) -> String {
    guard let pooling = (model as? any TransformerFamily)?.model.pooling else {
      return model.hasFeatures ? "the mean of the pixels" : "none: there are `tokens` alone"
    }
    return switch pooling {
    case .token: "the class token"
    case .classAverage: "the mean of the class tokens"
    case .average: "the mean of the patches"
    case .tokenAndAverage: "class token and mean of the patches, side by side"
    case .distilled: "the mean of class and distillation token"
    case .attention: "what a learned query gathers"
    case .context: "what the first of several learned queries gathers"
    case .summary: "chosen class tokens, side by side"
    case .none: "none: there are `tokens` alone"
    }
  }
}
