import ArgumentParser

/// The option of all commands that say how far they are, or what they did.
struct Quietness: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Print answers, warnings and errors only.")
  var quiet = false
}

/// A command with this option: the lines that say how far work is stand or fall with it, whichever
/// part of the command they are of.
protocol QuietCommand: ParsableCommand {
  /// The option.
  var quietness: Quietness { get }
}
