import FileTesting
import Foundation
import Passes

/// `Docs/Passes.md`: every pass in its order, from its file in `Sources/Passes` and the pipeline.
enum PassReference {
  static func text() throws -> String {
    var text = """
      # Passes

      Made from the doc comments in `Sources/Passes` and from `Pipeline` by `make docs`; a test
      fails when it is stale. Passes run in this order; after each the graph is verified. The
      reasons for the order are with each pass. `Tests/FileTests/Cases/pass` has the cases in
      which each of them acts and declines, with whole graphs.

      | | pass | form | |
      |---|---|---|---|

      """
    var sections = ""
    for (index, pass) in Pipeline.all.enumerated() {
      let form =
        pass.input == pass.output
        ? pass.input.rawValue : "\(pass.input.rawValue) to \(pass.output.rawValue)"
      text += "| \(index + 1) | [`\(pass.name)`](#\(pass.name)) | \(form) | \(pass.summary) |\n"
      sections += "\n## \(pass.name)\n\n\(DocComments.markdown(try comment(pass)))\n"
      let reasons = Pipeline.order.filter { $0.first.name == pass.name }
      if !reasons.isEmpty { sections += "\n" }
      for order in reasons {
        sections += "- Before `\(order.second.name)`: \(order.reason).\n"
      }
    }
    return text + sections
  }

  /// The doc comment of the pass's declaration.
  private static func comment(_ pass: Pass) throws -> [String] {
    for (_, lines) in try DocComments.sources("Sources/Passes") {
      guard let name = lines.firstIndex(where: { $0.contains("\"\(pass.name)\"") }),
        let declaration = lines[...name].lastIndex(where: { $0.contains("static let") })
      else { continue }
      let comment = DocComments.above(declaration, in: lines)
      if !comment.isEmpty { return comment }
    }
    throw Failure("no file in Sources/Passes documents '\(pass.name)'")
  }
}
