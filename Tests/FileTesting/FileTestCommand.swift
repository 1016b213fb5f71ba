/// What the first line of a case names.
package protocol FileTestCommand: Sendable {
  /// The directives that it reads in a section's body, besides the graph.
  static var keywords: Set<String> { get }

  /// Reads the words after the command's name.
  init(arguments: [String]) throws

  /// Returns the lines that the section should have.
  ///
  /// Where the section holds, these are its own lines.
  func observe(_ section: FileTest.Section) throws -> [String]
}

extension FileTestCommand {
  package static var keywords: Set<String> { [] }
}

/// Why a case cannot be run or does not hold.
package struct Failure: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

extension FileTest {
  /// The commands that need no generated code, by name: those that `vitc-filetest` runs.
  package static let graphCommands: [String: any FileTestCommand.Type] = [
    "text": TextCommand.self,
    "parse-error": ParseErrorCommand.self,
    "verify": VerifyCommand.self,
    "evaluate": EvaluateCommand.self,
    "pass": PassCommand.self,
  ]
}
