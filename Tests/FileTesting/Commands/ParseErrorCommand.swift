import IR

/// `parse-error`: fails to parse, with exactly this diagnostic; lines count from the file's first.
package struct ParseErrorCommand: FileTestCommand {
  package init(arguments: [String]) throws {
    guard arguments.isEmpty else { throw Failure("'parse-error' takes no arguments") }
  }

  package func observe(_ section: FileTest.Section) throws -> [String] {
    do {
      _ = try GraphParser.parse(section.placedBody, file: "case")
    } catch {
      let lines = error.description.split(separator: "\n", omittingEmptySubsequences: false)
      return section.expecting(["// expect:"] + lines.map { "// \($0)" })
    }
    throw Failure("expected an error and found none")
  }
}
