import Diagnostics
import IR
import Synchronization
import Testing

@testable import Passes

struct PassManagerTests {
  @Test func `reports every pass`() throws {
    let result = try PassManager().run(try SmallViT().graph())
    let report = result.report
    #expect(result.graph.form == .planned)
    #expect(report.records.map(\.name) == Pipeline.standard.map(\.name))
    #expect(report.rewrites == report.records.reduce(0) { $0 + $1.rewrites })
    #expect(report.seconds > 0)
    let scale = try #require(report.records.first { $0.name == "fold-layer-scale" })
    #expect(!scale.changed && scale.rewrites == 0 && scale.nodesBefore == scale.nodesAfter)
    let attention = try #require(report.records.first { $0.name == "fuse-attention" })
    #expect(attention.changed && attention.rewrites == 2)
    #expect(attention.nodesAfter == attention.nodesBefore - 14)
  }

  @Test func `stops after a pass and shows what changed`() throws {
    let shown = Mutex<[String]>([])
    let options = PassManager.Options(
      printAfter: .all, stopAfter: "fold-scale",
      dump: { pass, graph in shown.withLock { $0.append("\(pass.name) \(graph.form.rawValue)") } })
    let result = try PassManager().run(try SmallViT().graph(), options)
    #expect(result.report.records.last?.name == "fold-scale")
    let expected = ["lower-patch-embed", "simplify-views", "fuse-attention", "hoist-slices"]
    #expect(shown.withLock { $0 } == expected.map { "\($0) imported" })
  }

  @Test func `prints only what was asked for`() throws {
    let shown = Mutex<[String]>([])
    let options = PassManager.Options(
      printAfter: .named(["merge-qkv"]),
      dump: { pass, _ in shown.withLock { $0.append(pass.name) } })
    _ = try PassManager().run(try SmallViT().graph(), options)
    #expect(shown.withLock { $0 } == ["merge-qkv"])
  }

  @Test func `names that no pass has are refused`() throws {
    let graph = try SmallViT().graph()
    let stop = #expect(throws: Diagnostic.self) {
      try PassManager().run(graph, PassManager.Options(stopAfter: "fuse-attentions"))
    }
    #expect(stop?.hint == "did you mean 'fuse-attention'?")
    let print = #expect(throws: Diagnostic.self) {
      try PassManager().run(graph, PassManager.Options(printAfter: .named(["none"])))
    }
    #expect(print?.message == "unknown pass 'none'")
  }

  @Test func `a graph of another form is refused`() throws {
    let fused = try PassManager().run(
      try SmallViT().graph(), PassManager.Options(stopAfter: "fuse-linears")
    ).graph
    let error = #expect(throws: Diagnostic.self) { try PassManager([.foldScale]).run(fused) }
    #expect(error?.message == "pass 'fold-scale' takes the form 'imported', found 'fused'")
  }

  @Test func `an invalid graph is blamed on the pass that made it`() throws {
    let forget = Pass("forget-results", "drops every result", .imported) {
      (graph, _) throws(Diagnostic) -> Graph in
      var builder = GraphBuilder(name: graph.name, form: graph.form)
      for node in graph.nodes {
        _ = try builder.append(node.op, node.operands, name: node.name)
      }
      return builder.graph
    }
    let error = #expect(throws: Diagnostic.self) {
      try PassManager([forget]).run(try SmallViT().graph())
    }
    #expect(error?.message.hasPrefix("pass 'forget-results' made an invalid graph: ") == true)
    #expect(error?.hint?.hasPrefix("this is a bug in vitc") == true)
    let lies = Pass("promise", "says that it fuses", from: .imported, to: .fused) {
      (graph, _) throws(Diagnostic) -> Graph in graph
    }
    let other = #expect(throws: Diagnostic.self) {
      try PassManager([lies]).run(try SmallViT().graph())
    }
    #expect(other?.message.contains("the form is 'imported', not 'fused'") == true)
  }

  @Test func `a limit of rewrites leaves the optional ones out`() throws {
    let graph = try SmallViT().graph()
    let none = try PassManager().run(graph, PassManager.Options(rewriteLimit: 0))
    let rewritten = none.report.records.filter { $0.rewrites > 0 }.map(\.name)
    let required = [
      "lower-patch-embed", "fuse-attention", "fuse-linears", "pack-weights", "plan-memory",
    ]
    #expect(rewritten == required)
  }
}
