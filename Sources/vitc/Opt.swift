import ArgumentParser
import Diagnostics
import Files
import IR
import JSON
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

  @Flag(help: "Print what each pass did as JSON; requires --output.")
  var json = false

  /// What `--json` prints of a pass.
  private struct Record: Encodable {
    let name: String
    let changed: Bool
    let rewrites: Int
    let nodesBefore: Int
    let nodesAfter: Int
    let ms: Double

    enum CodingKeys: String, CodingKey {
      case name, changed, rewrites, ms
      case nodesBefore = "nodes_before"
      case nodesAfter = "nodes_after"
    }
  }

  func validate() throws {
    if json, output == nil { throw ValidationError("--json requires --output.") }
  }

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
    guard json else { return }
    try JSONValue.print(
      report.records.map {
        Record(
          name: $0.name, changed: $0.changed, rewrites: $0.rewrites, nodesBefore: $0.nodesBefore,
          nodesAfter: $0.nodesAfter, ms: $0.seconds * 1e3)
      })
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
