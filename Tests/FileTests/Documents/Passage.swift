import FileTesting
import Foundation
import Testing

/// A part of a handwritten document that the program itself can tell: a count, a table, what a
/// command prints.
struct Passage: CustomTestStringConvertible, Sendable {
  /// The document's path below the root of the package.
  let document: String
  /// The text that the passage follows; with `after`, it occurs once.
  let before: String
  /// The text that follows the passage.
  let after: String
  /// What the passage should be; what it is may tell which part of a long answer is shown.
  let expected: @Sendable (_ found: String) throws -> String
  /// What may differ: two texts that are equal after this agree.
  var normalized: @Sendable (String) -> String = { $0 }

  var testDescription: String { "\(document): \(before.split(separator: "\n").last ?? "") …" }

  /// Compares the document with the truth; with `blesses`, rewrites it.
  ///
  /// - Returns: how the document differs; `nil` where it holds.
  func check(blesses: Bool) throws -> String? {
    let url = DocComments.root.appending(path: document)
    var text = try String(contentsOf: url, encoding: .utf8)
    let candidates = text.ranges(of: before).compactMap { start in
      text[start.upperBound...].range(of: after).map { start.upperBound..<$0.lowerBound }
    }
    // The text before may occur elsewhere, but then not with the text after on the same line.
    let places = candidates.filter { after.contains("\n") || !text[$0].contains("\n") }
    guard places.count == 1 else {
      throw Failure("\(document): '\(before)' and then '\(after)' are \(places.count) times there")
    }
    let found = String(text[places[0]])
    let expected = try self.expected(found)
    if normalized(found) == normalized(expected) { return nil }
    guard blesses else {
      return "\(document) is stale (make docs)\n" + Self.difference(found, expected)
    }
    text.replaceSubrange(places[0], with: expected)
    try text.write(to: url, atomically: true, encoding: .utf8)
    return nil
  }

  /// The lines that are only in one of two texts, in the manner of diff.
  static func difference(_ found: String, _ expected: String) -> String {
    let (a, b) = (
      found.components(separatedBy: "\n"), expected.components(separatedBy: "\n")
    )
    let change = b.difference(from: a)
    let removed = change.removals.map { change in
      if case .remove(_, let line, _) = change { "- \(line)" } else { "" }
    }
    let inserted = change.insertions.map { change in
      if case .insert(_, let line, _) = change { "+ \(line)" } else { "" }
    }
    return (removed + inserted).joined(separator: "\n")
  }
}

extension Passage {
  /// A number in a sentence.
  static func count(
    _ document: String, _ before: String, _ after: String,
    _ value: @escaping @Sendable () throws -> Int
  ) -> Passage {
    Passage(document: document, before: before, after: after, expected: { _ in "\(try value())" })
  }
}
