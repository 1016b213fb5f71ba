import Diagnostics
import IR

/// `verify`: each error of the verifier is after its line as `// error: …`, and no other is.
///
/// What an operation refuses is already refused by the parser, one error for each section. A graph
/// without errors is expected to be right.
package struct VerifyCommand: FileTestCommand {
  package static let keywords: Set = ["error"]
  private static let mark = "  // error: "

  package init(arguments: [String]) throws {
    guard arguments.isEmpty else { throw Failure("'verify' takes no arguments") }
  }

  package func observe(_ section: FileTest.Section) throws -> [String] {
    guard section.expectation.isEmpty else { throw Failure("nothing reads the expectation") }
    var lines = section.body.map { line in
      line.range(of: Self.mark).map { String(line[..<$0.lowerBound]) } ?? line
    }
    let text = String(repeating: "\n", count: section.firstLine - 1)
    do {
      let graph = try FileTest.checked(text + lines.joined(separator: "\n"))
      for (node, message) in Verifier.violations(of: graph) {
        let head = node < 0 ? "graph @" : "  %\(graph.nodes[node].name):"
        guard let index = lines.firstIndex(where: { $0.hasPrefix(head) }) else {
          throw Failure("no line begins with '\(head)'")
        }
        lines[index] += Self.mark + message
      }
    } catch let error as Diagnostic {
      guard case .text(_, let line, _) = error.location,
        lines.indices.contains(line - section.firstLine)
      else { throw error }
      lines[line - section.firstLine] += Self.mark + error.message
    }
    return lines
  }
}
