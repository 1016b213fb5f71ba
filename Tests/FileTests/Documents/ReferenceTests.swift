import Foundation
import Testing

/// The generated documents are current; `BLESS=1` writes them.
@Suite struct ReferenceTests {
  @Test(arguments: ["Ops.md", "Passes.md", "Targets.md"])
  func `a generated document is current`(_ name: String) throws {
    let text =
      switch name {
      case "Ops.md": try OperationReference.text()
      case "Passes.md": try PassReference.text()
      default: try TargetReference.text()
      }
    let url = DocComments.root.appending(path: "Docs").appending(path: name)
    let current = try? String(contentsOf: url, encoding: .utf8)
    if current == text { return }
    if Blessing.isWanted {
      try text.write(to: url, atomically: true, encoding: .utf8)
    } else {
      Issue.record("Docs/\(name) is stale: make docs")
    }
  }
}
