import ArgumentParser
import Compiler
import Diagnostics
import JSON

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The command line: `vitc SUBCOMMAND …`.
///
/// Results go to stdout, messages to stderr. Exit codes: 0, 1 for a failure (printed as a
/// `Diagnostic`), 64 for wrong usage.
@main
struct Vitc: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vitc",
    abstract: "Compiles Vision Transformers to native libraries, and runs and measures these.",
    version: "vitc \(Version.current)",
    subcommands: [
      Compile.self, Run.self, Embed.self, FitHead.self, Neighbours.self, Search.self, Serve.self,
      Compare.self, Golden.self, Verify.self, SelfTest.self, Bench.self, Inspect.self,
      DrawFigures.self, List.self, Opt.self, Cache.self,
    ])

  /// Parses the arguments, runs the subcommand, prints errors, and exits.
  static func main() {
    Console.prepare()
    Signals.prepare()
    var arguments = Array(CommandLine.arguments.dropFirst())
    do {
      // Swift reads them from /proc/self/cmdline; without any the parser would print its help.
      if CommandLine.arguments.isEmpty {
        throw Diagnostic(
          "cannot read the command's arguments", hint: "mount /proc, or raise ulimit -n")
      }
      try StackLimit.check()
      try checkArguments()
      if let diagnostic = unknownSubcommand(arguments) {
        Console.tell(diagnostic)
        Self.exit(withError: ExitCode(Console.usageError))
      }
      if VersionReport.isWanted(by: arguments) {
        try JSONValue.print(VersionReport())
        finish()
      }
      arguments = try ModelDescription.expanded(arguments)
      var command = try parseAsRoot(arguments)
      if (command as? any QuietCommand)?.quietness.quiet == true { ProgressLine.silence() }
      try command.run()
      try Console.finishOutput()
    } catch let diagnostic as Diagnostic {
      Console.tell(diagnostic)
      Self.exit(withError: ExitCode.failure)
    } catch {
      // Help and the version are what was asked for.
      if Self.exitCode(for: error) == ExitCode.success {
        print(Self.fullMessage(for: error))
        finish()
      }
      // The arguments are in the message; an exit code alone has none.
      let message = Self.fullMessage(for: error)
      if !message.isEmpty { Console.tell(PlainText.escapedLines(message)) }
      Self.exit(withError: ExitCode(Self.exitCode(for: error).rawValue))
    }
  }

  /// Throws at an argument that is not UTF-8: Swift puts U+FFFD in the place of such bytes, and so
  /// a file of another name would be read or written than the one that was asked for.
  private static func checkArguments() throws(Diagnostic) {
    for position in 0..<Int(CommandLine.argc) {
      guard let argument = CommandLine.unsafeArgv[position] else { return }
      // The program's own name is nobody's wish.
      guard position > 0, String(validatingCString: argument) == nil else { continue }
      let bytes = UnsafeRawBufferPointer(start: argument, count: strlen(argument))
      throw Diagnostic(
        "argument \(position), '\(PlainText.shown(bytes))', is not UTF-8",
        hint:
          "vitc takes names of files in UTF-8 only: rename the file, or link to it by such a name")
    }
  }

  /// Ends the process after the last output was printed.
  private static func finish() -> Never {
    do throws(Diagnostic) {
      try Console.finishOutput()
      Self.exit()
    } catch {
      Console.tell(error)
      Self.exit(withError: ExitCode.failure)
    }
  }

  /// The error for a first argument that is not a subcommand; the parser would only call it
  /// unexpected.
  static func unknownSubcommand(_ arguments: [String]) -> Diagnostic? {
    guard let first = arguments.first, !first.hasPrefix("-") else { return nil }
    let names = configuration.subcommands.map { $0._commandName } + ["help"]
    guard !names.contains(first) else { return nil }
    return Diagnostic(
      "unknown subcommand '\(first)'",
      notes: ["subcommands: \(names.joined(separator: ", "))"],
      hint: Suggestion.hint(for: first, in: names) ?? "'vitc --help' describes them")
  }
}
