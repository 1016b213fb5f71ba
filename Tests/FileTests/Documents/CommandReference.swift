import FileTesting
import Foundation

/// `Docs/CLI.md`: every command's own help, and its exit codes, which are sentences of that help.
enum CommandReference {
  /// One command.
  private struct Entry {
    /// Such as `golden check`.
    let name: String
    let help: String

    /// The sentences that speak of exit codes.
    var codes: [String] {
      let words = help.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      let overview = words.components(separatedBy: " USAGE: ")[0]
        .replacing("OVERVIEW: ", with: "")
      return overview.components(separatedBy: ". ").filter { $0.contains("xit code") }
        .map { $0.hasSuffix(".") ? $0 : $0 + "." }
    }

    /// The commands that it lists.
    var subcommands: [String] {
      guard
        let list = help.components(separatedBy: "\nSUBCOMMANDS:\n").dropFirst().first?
          .components(separatedBy: "\n\n").first
      else { return [] }
      // A name begins its line after two blanks; what goes on is farther in.
      return list.split(separator: "\n").filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
        .compactMap { $0.split(separator: " ").first.map(String.init) }
    }
  }

  static func text() throws -> String {
    let root = try help([])
    var entries: [Entry] = []
    for name in root.subcommands {
      let entry = try help([name])
      entries.append(entry)
      for inner in entry.subcommands { entries.append(try help([name, inner])) }
    }
    var text = """
      # The command line

      Made from what `vitc help` prints, by `make docs`; a test fails when it is stale.

      ```
      \(root.help)```

      `vitc --version --json` prints the version, the commit (where `make dist` built it), LLVM's
      version, the linker and the targets.

      ## Exit codes

      Of every command:

      | code | meaning |
      |---|---|
      | 0 | all that was asked for is done |
      | 1 | something is wrong with a file, the machine or the answer; a message on stderr says \
      what |
      | 64 | wrong usage (`EX_USAGE`); a message on stderr says how it is right |
      | 128 + N | ended by signal N, such as 130 after control-C; unfinished files are gone |

      Of some in particular:

      | command | |
      |---|---|

      """
    for entry in entries where !entry.codes.isEmpty {
      text += "| `vitc \(entry.name)` | \(entry.codes.joined(separator: " ")) |\n"
    }
    for entry in entries {
      text += "\n## vitc \(entry.name)\n\n```\n\(entry.help)```\n"
    }
    return text
  }

  private static func help(_ words: [String]) throws -> Entry {
    let outcome = try Program.run(["help"] + words, in: "/")
    guard outcome.status == 0 else { throw Failure("vitc help \(words): \(outcome.errors)") }
    // Pages are 80 columns wide where stdout is no terminal.
    let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.replacing(#/ +$/#, with: "") }
    let text = lines.joined(separator: "\n").replacing(#/\n+$/#, with: "\n")
    return Entry(name: words.joined(separator: " "), help: text)
  }
}
