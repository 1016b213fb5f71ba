import ArgumentParser
import Diagnostics
import Files
import IR
import Passes

/// `vitc opt`: passes on a graph in text form.
struct Opt: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs passes on a graph: text in, text out.",
    discussion: """
      The graph is parsed and verified. Without passes, its canonical text is printed. The \
      debugging options print to stderr.
      """)

  @Argument(help: "A file with a graph; '-' is standard input.")
  var graph: String

  @Option(help: "The passes in order, separated by commas; 'all' is the standard pipeline.")
  var passes = ""

  @OptionGroup var debugging: PassDebugging

  @Option(help: "Run no pass after this one.")
  var stopAfter: String?

  @Option(name: .shortAndLong, help: "The file to write (default: standard output).")
  var output: String?

  func run() throws {
    try Overwriting.check(output, inputs: graph == "-" ? [] : [graph])
    try debugging.check()
    let manager = PassManager(try Self.selection(passes))
    let failures = DumpFailures()
    let options = debugging.options(stopAfter: stopAfter, failures: failures)
    let (result, report) = try manager.run(
      try GraphParser.parse(try text(), file: graph), options)
    try failures.check()
    if debugging.timePasses { Console.write(Self.text(report)) }
    guard let output else { return print(result, terminator: "") }
    try AtomicFile.write(path: output, contents: Array(result.description.utf8))
  }

  private func text() throws(Diagnostic) -> String {
    if graph == "-" {
      return try TextFile.text(TextFile.standardInput(), "standard input")
    }
    return try TextFile.text(TextFile.bytes(graph), graph)
  }

  /// The passes that `--passes` names.
  static func selection(_ names: String) throws(Diagnostic) -> [Pass] {
    if names == "all" { return Pipeline.standard }
    var passes: [Pass] = []
    for name in names.split(separator: ",") {
      do throws(Diagnostic) {
        passes.append(try Pipeline.pass(named: name.trimmed))
      } catch {
        var located = error
        located.location = .argument("--passes")
        located.hint = error.hint ?? "'vitc list passes' prints all names"
        throw located
      }
    }
    return passes
  }

  /// What each pass did, a line each.
  static func text(_ report: PassManager.Report) -> String {
    var table = TextTable([
      ("pass", .left), ("ms", .right), ("rewrites", .right), ("nodes", .right),
    ])
    for record in report.records {
      table.add([
        record.name, Format.fixed(record.seconds * 1e3, 2), String(record.rewrites),
        "\(record.nodesBefore) -> \(record.nodesAfter)",
      ])
    }
    return table.text()
  }
}
