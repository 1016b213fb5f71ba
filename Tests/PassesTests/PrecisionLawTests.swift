import IR
import Testing

@testable import Passes

/// Laws of the passes that lower the precision, on random small Vision Transformers.
struct PrecisionLawTests {
  @Test(arguments: PassLawTests.seeds, [Precision.bf16, .int8])
  func passesKeepResults(seed: UInt64, precision: Precision) throws {
    let vit = SmallViT(seed: seed)
    let image = Reference.tensor("input image", [3, vit.size, vit.size])
    try PrecisionLaws.hold(of: vit.graph(), on: image, precision, vit)
  }

  /// The linear layers have the type that the precision says: with int8 those of the blocks are of
  /// integers, but for what leads to nothing but results.
  @Test(arguments: PassLawTests.seeds)
  func linearLayersAreLowered(seed: UInt64) throws {
    let vit = SmallViT(seed: seed)
    // Tokens that no norm follows.
    let ends =
      vit.pooling == .meanNormalized && vit.outputs.contains("tokens")
      ? ["mlp.act", "ls2.residual"].map { "blocks.\(vit.depth - 1).\($0)" } : []
    for precision in [Precision.bf16, .int8] {
      let graph = try PassManager(Pipeline.passes(for: precision)).run(vit.graph()).graph
      let constants = graph.constants()
      var blocks = 0
      for (index, node) in graph.nodes.enumerated() where !constants[index] {
        guard case .fusedLinear = node.op, !ends.contains(node.name) else { continue }
        let isInBlock = node.name.hasPrefix("blocks.")
        if isInBlock { blocks += 1 }
        let wanted: ElementType = precision == .int8 && isInBlock ? .s8 : .bf16
        #expect(graph.precision(of: node) == wanted, "\(precision): \(node.name) of \(vit)")
      }
      #expect(blocks >= 4 * vit.depth - ends.count, "\(vit)")
    }
  }
}
