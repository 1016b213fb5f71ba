import IR

/// `text`: parses and prints.
///
/// A graph in the canonical form is all there is; of any other one the canonical form is expected.
package struct TextCommand: FileTestCommand {
  package init(arguments: [String]) throws {
    guard arguments.isEmpty else { throw Failure("'text' takes no arguments") }
  }

  package func observe(_ section: FileTest.Section) throws -> [String] {
    let graph = try section.graph()
    let printed = graph.description.dropLast().split(
      separator: "\n", omittingEmptySubsequences: false
    ).map(String.init)
    let start = section.body.firstIndex { $0.hasPrefix("graph ") } ?? 0
    let isCanonical = Array(section.body[start...]) == printed
    return section.expecting(isCanonical ? [] : ["// expect:"] + printed)
  }
}
