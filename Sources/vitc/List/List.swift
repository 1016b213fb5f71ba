import ArgumentParser
import Diagnostics
import JSON

/// `vitc list`: what there is.
struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists models, operations, passes, targets, or the outputs of a model.",
    usage: """
      vitc list [models|ops|passes|targets] [--json]
      vitc list outputs MODEL [--weights FILE] [--image-size N] [--json]
      """,
    discussion: """
      The outputs are what 'vitc compile --outputs' takes, with their shapes and sizes for one \
      image; the numbers of blocks are 0 and on, or -1 and back from the last one.
      """)

  /// What can be listed.
  enum Subject: String, CaseIterable {
    case models, ops, passes, targets, outputs
  }

  @Argument(help: "What to list: models, ops, passes, targets or outputs.")
  var subject = "models"

  @Argument(help: "The model whose outputs are listed: a variant's name or a model folder.")
  var model: String?

  @Option(help: "Its weights, as for 'vitc compile', if the model's outputs depend on them.")
  var weights: String?

  @Option(help: "The size of the images: N, or HxW.")
  var imageSize: String?

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    let hasModel = subject == Subject.outputs.rawValue
    guard hasModel == (model != nil) else {
      throw ValidationError(
        hasModel
          ? "list outputs requires a model, such as vit_base_patch16_224."
          : "Unexpected argument '\(model ?? "")': only 'list outputs' takes a model.")
    }
    guard hasModel || (weights == nil && imageSize == nil) else {
      throw ValidationError("--weights and --image-size require 'list outputs'.")
    }
  }

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
    case .outputs:
      let entries = try OutputEntry.all(
        model ?? "", weights: weights,
        imageSize: try imageSize.map { (text) throws(Diagnostic) in try Compile.size(text) })
      try show(entries, OutputEntry.table)
      if !json { print(OutputEntry.reasons(entries), terminator: "") }
    }
  }

  private func show<Entry: Encodable>(
    _ entries: [Entry], _ table: ([Entry]) -> TextTable
  ) throws(Diagnostic) {
    if json { return try JSONValue.print(entries) }
    print(table(entries).text(), terminator: "")
  }
}
