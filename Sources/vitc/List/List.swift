import ArgumentParser
import Diagnostics
import JSON

/// `vitc list`: what there is.
struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists models, operations, passes or targets.")

  /// What can be listed.
  enum Subject: String, CaseIterable {
    case models, ops, passes, targets
  }

  @Argument(help: "What to list: models, ops, passes or targets.")
  var subject = "models"

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let names = Subject.allCases.map(\.rawValue)
    guard let chosen = Subject(rawValue: subject) else {
      Console.tell(
        Diagnostic(
          "cannot list '\(subject)'", notes: ["lists: \(names.joined(separator: ", "))"],
          hint: Suggestion.hint(for: subject, in: names)))
      throw ExitCode(Console.usageError)
    }
    switch chosen {
    case .models: try show(ModelEntry.all, ModelEntry.table)
    case .ops: try show(OpEntry.all, OpEntry.table)
    case .passes: try show(PassEntry.all, PassEntry.table)
    case .targets: try show(TargetEntry.all, TargetEntry.table)
    }
  }

  private func show<Entry: Encodable>(
    _ entries: [Entry], _ table: ([Entry]) -> TextTable
  ) throws(Diagnostic) {
    if json { return try JSONValue.print(entries) }
    print(table(entries).text(), terminator: "")
  }
}
