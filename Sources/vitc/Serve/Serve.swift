import ArgumentParser

/// `vitc serve`: compiled models over HTTP, by `vitc-serve`.
struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serves compiled models over HTTP (the program vitc-serve).",
    discussion: """
      All arguments go to vitc-serve, which is looked for beside vitc and then on the PATH; \
      'vitc serve --help' describes them if it is there. 'make server' in vitc's sources builds it.

      Exit codes: those of vitc-serve; 1 if it is not found.
      """)

  @Argument(
    parsing: .captureForPassthrough,
    help: ArgumentHelp(
      "Libraries, each as PATH or NAME=PATH, and options such as --port 8000.",
      valueName: "[name=]library"))
  var arguments: [String] = []

  func run() throws {
    let program = try ServeProgram()
    try program.run(arguments)
  }
}
