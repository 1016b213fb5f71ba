import FileTesting
import Foundation
import Testing

@Suite struct FileTests {
  /// Every command, by its name on the first line.
  private static let commands = FileTest.graphCommands.merging([
    "emit": EmitCommand.self,
    "run": RunCommand.self,
    "cli": CLICommand.self,
  ]) { $1 }

  /// A part of the path of the only case to run.
  private static let wanted = ProcessInfo.processInfo.environment["VITC_FILETEST"]

  @Test(arguments: FileTest.discover(containing: wanted.map { [$0] } ?? []))
  func `case`(_ test: FileTest) throws {
    if let difference = try test.run(commands: Self.commands, blesses: Blessing.isWanted) {
      Issue.record("\(difference)")
    }
  }

  @Test(.enabled(if: wanted == nil, "one case is wanted"))
  func `there are cases of every command`() {
    let commands = Set(FileTest.discover().map(\.command))
    #expect(commands == Set(Self.commands.keys))
  }
}

extension FileTest: CustomTestStringConvertible {
  package var testDescription: String { name }
}

/// Whether expectations and documents are rewritten to what is observed: `BLESS=1`.
enum Blessing {
  static let isWanted = ProcessInfo.processInfo.environment["BLESS"] == "1"
}
