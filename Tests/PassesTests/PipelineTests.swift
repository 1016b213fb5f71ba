import Diagnostics
import IR
import Testing

@testable import Passes

struct PipelineTests {
  @Test func `passes run in the order that the reasons demand`() throws {
    let names = Pipeline.all.map(\.name)
    #expect(Set(names).count == names.count)
    for rule in Pipeline.order {
      let first = try #require(names.firstIndex(of: rule.first.name))
      let second = try #require(names.firstIndex(of: rule.second.name))
      #expect(first < second, "\(rule.first.name) before \(rule.second.name): \(rule.reason)")
      #expect(!rule.reason.isEmpty)
    }
  }

  @Test func `every pass has a place in the order`() {
    let ordered = Set(Pipeline.order.flatMap { [$0.first.name, $0.second.name] })
    for pass in Pipeline.all { #expect(ordered.contains(pass.name), "\(pass.name)") }
  }

  @Test func `forms chain from the imported to the planned one`() {
    var form = Form.imported
    for pass in Pipeline.standard {
      #expect(pass.input == form, "\(pass.name)")
      form = pass.output
    }
    #expect(form == .planned)
    #expect(Pipeline.lastPass(making: .fused)?.name == "choose-strassen")
    #expect(Pipeline.lastPass(making: .planned)?.name == "plan-memory")
    #expect(Pipeline.lastPass(making: .imported) == nil)
  }

  @Test func `a misspelt pass gets the nearest names`() {
    let error = #expect(throws: Diagnostic.self) { try Pipeline.pass(named: "fold-nrom") }
    #expect(error?.message == "unknown pass 'fold-nrom'")
    #expect(error?.hint?.contains("'fold-norm'") == true)
  }

  /// What is left to run of a class-token model with LayerScale.
  @Test func `a class-token model becomes few operations`() throws {
    var vit = SmallViT()
    vit.hasLayerScale = true
    vit.depth = 3
    let planned = try PassManager().run(try vit.graph()).graph
    let constants = planned.constants()
    var counts: [String: Int] = [:]
    for (index, node) in planned.nodes.enumerated() where !constants[index] && !node.op.isView {
      counts[node.op.mnemonic, default: 0] += 1
    }
    // Patches; qkv, projection and two of the MLP for each block, one more in the last one, where
    // the queries are a layer of their own; the head.
    let expected = [
      "input": 1, "extract_patches": 1, "copy": 1, "attention": 3,
      "fused_linear": 1 + 3 * 4 + 1 + 1,
    ]
    #expect(counts == expected)
    for node in planned.nodes {
      if case .attention(let attention) = node.op {
        #expect(attention == Attention(heads: 2, base2: true))
      }
    }
    let rows = planned.nodes.filter { $0.name.hasPrefix("blocks.2.mlp.act") }.last?.type.shape[0]
    #expect(rows == 1, "the last block's MLP is for the class token only")
  }

  /// The last block of a class-token model computes keys and values for all tokens, and the rest
  /// for one.
  @Test func `hoisting saves most of the last block`() throws {
    var vit = SmallViT()
    vit.depth = 1
    let graph = try vit.graph()
    let planned = try PassManager().run(graph).graph
    let (tokens, dim, hidden) = (10, 8, 19)
    let patches = 2 * 9 * 48 * dim
    let head = 2 * dim * 3
    func block(rows: Int) -> Int {
      let projections = 2 * (tokens * dim * 2 * dim + rows * dim * 2 * dim)
      return projections + 4 * rows * tokens * dim + 4 * rows * dim * hidden
    }
    #expect(graph.cost.flops == patches + block(rows: tokens) + head)
    #expect(planned.cost.flops == patches + block(rows: 1) + head)
    #expect(planned.cost.weightBytes <= planned.weightsBytes)
    #expect(graph.parameterCount == planned.parameterCount)
  }
}
