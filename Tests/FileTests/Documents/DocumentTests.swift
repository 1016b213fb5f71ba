import FileTesting
import Foundation
import IR
import Testing

/// What documents say is what the sources and the program say; `make docs` writes it.
@Suite struct DocumentTests {
  @Test(arguments: ["Ops.md", "Passes.md", "Targets.md", "CLI.md"])
  func `a generated document is current`(_ name: String) throws {
    let text =
      switch name {
      case "Ops.md": try OperationReference.text()
      case "Passes.md": try PassReference.text()
      case "CLI.md": try CommandReference.text()
      default: try TargetReference.text()
      }
    let url = DocComments.root.appending(path: "Docs").appending(path: name)
    let current = try? String(contentsOf: url, encoding: .utf8)
    if current == text { return }
    if Blessing.isWanted {
      try text.write(to: url, atomically: true, encoding: .utf8)
    } else {
      let difference = Passage.difference(current ?? "", text)
      Issue.record("Docs/\(name) is stale (make docs)\n\(difference)")
    }
  }

  /// One after the other: passages of one document are written to one file.
  @Test(.serialized, arguments: Passage.all)
  func `a passage is current`(_ passage: Passage) throws {
    if let difference = try passage.check(blesses: Blessing.isWanted) {
      Issue.record("\(difference)")
    }
  }

  /// Graphs that a document shows whole are right and canonical, but for comments.
  @Test func `the graphs of IR.md read back`() throws {
    let url = DocComments.root.appending(path: "Docs/IR.md")
    let blocks = try String(contentsOf: url, encoding: .utf8).components(separatedBy: "```\n")
      .filter { $0.hasPrefix("graph @") }
    #expect(!blocks.isEmpty)
    for block in blocks {
      let graph = try GraphParser.parse(block)
      try Verifier.verify(graph)
      #expect(graph.description == block.replacing(/[ ]+\/\/.*/, with: ""))
    }
  }
}
