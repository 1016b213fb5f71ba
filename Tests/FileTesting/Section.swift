import IR

extension FileTest {
  /// One graph and what is expected of it.
  package struct Section: Sendable {
    /// The lines up to the expectation.
    package var body: [String]
    /// The expectation's lines, its first line included; empty where there is none.
    package var expectation: [String]
    /// The number of the first line in the file, from 1.
    package var firstLine: Int
  }
}

extension FileTest.Section {
  /// The body with as many empty lines before it as make its line numbers those of the file.
  package var placedBody: String {
    String(repeating: "\n", count: firstLine - 1) + body.joined(separator: "\n") + "\n"
  }

  /// The graph in the body.
  ///
  /// - Throws: an error of syntax, a broken rule, or a text form that does not parse back.
  package func graph() throws -> Graph {
    let graph = try FileTest.checked(placedBody)
    try Verifier.verify(graph)
    return graph
  }

  /// The body's lines, then these; the case holds iff they are what the file has.
  package func expecting(_ lines: [String]) -> [String] { body + lines }

  /// The list after `// given name: [...]` or `// expect name: [...]`, over as many lines as it
  /// takes, for every name.
  package static func lists(
    _ lines: [String], after keyword: String
  ) throws -> [(String, [Float])] {
    var found: [(String, [Float])] = []
    var open: (name: String, text: String)?
    for line in lines where line.hasPrefix("//") {
      if open == nil, line.hasPrefix("// \(keyword) ") {
        let parts = line.dropFirst("// \(keyword) ".count).split(separator: ":", maxSplits: 1)
        guard parts.count == 2 else { throw Failure("expected 'name: [...]' in '\(line)'") }
        open = (String(parts[0]), String(parts[1]))
      } else if open != nil {
        open?.text += line.dropFirst(2)
      }
      if let (name, text) = open, text.hasSuffix("]") {
        found.append((name, try numbers(text, line)))
        open = nil
      }
    }
    if let open { throw Failure("the list of '\(open.name)' does not end") }
    return found
  }

  private static func numbers(_ text: String, _ line: String) throws -> [Float] {
    let inner = text.drop { $0 == " " }.dropFirst().dropLast()
    guard text.contains("[") else { throw Failure("expected a list in '\(line)'") }
    return try inner.split(separator: ",").map { word in
      guard let value = Float(word.filter { $0 != " " }) else {
        throw Failure("'\(word)' is not a number in '\(line)'")
      }
      return value
    }
  }
}

extension FileTest {
  /// Parses a graph and checks that its text form parses back to it.
  package static func checked(_ text: String) throws -> Graph {
    let graph = try GraphParser.parse(text, file: "case")
    let again = try GraphParser.parse(graph.description, file: "printed")
    guard again == graph else { throw Failure("printed and parsed, the graph is another") }
    return graph
  }
}
