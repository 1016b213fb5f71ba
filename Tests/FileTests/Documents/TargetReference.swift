import Codegen
import Foundation

/// `Docs/Targets.md`: every target, from its table in `Sources/Codegen/Targets`.
enum TargetReference {
  static func text() throws -> String {
    var text = """
      # Targets

      Made from the table in `Sources/Codegen/Targets` by `make docs`; a test fails when it is
      stale. `--target host`, the default, is the richest one that the compiling machine runs. A
      compiled model asks the processor at its creation and refuses, with a message, to run where
      it cannot.

      | target | vector unit | floats | multiply-add | tile | triple | processors |
      |---|---|---|---|---|---|---|

      """
    for target in Target.all {
      let tile = "\(target.tileRows)x\(target.tileVectors * target.lanes)"
      text +=
        "| `\(target.name)` | \(target.vectorUnit) | \(target.lanes) "
        + "| \(target.hasFMA ? "fused" : "two steps") | \(tile) | `\(target.triple)` "
        + "| \(try comment(target)) |\n"
    }
    return text + """

      The tile is rows by columns of the result that stay in registers in the inner loop of a
      contraction. One blob of packed weights serves every target: panels are 32 columns wide.

      """
  }

  /// The doc comment of the target's declaration, in one line.
  private static func comment(_ target: Target) throws -> String {
    for (_, lines) in try DocComments.sources("Sources/Codegen/Targets") {
      guard let name = lines.firstIndex(where: { $0.contains("name: \"\(target.name)\"") }),
        let declaration = lines[...name].lastIndex(where: { $0.contains("static let") })
      else { continue }
      return DocComments.above(declaration, in: lines).joined(separator: " ")
    }
    throw Failure("no file in Sources/Codegen/Targets documents '\(target.name)'")
  }
}
