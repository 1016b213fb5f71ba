import IR
import Testing

@testable import Passes

/// Laws of the passes that lower the precision, on random small Vision Transformers.
struct PrecisionLawTests {
  /// The largest error of these models, whose sums have few terms: much above that of real ones.
  static func largestError(_ precision: Precision) -> Double {
    switch precision {
    case .f32: 1e-5
    case .bf16: 0.15
    case .int8: 0.5
    }
  }

  /// What comes before the rounding changes nothing, rotations included; rounding keeps results
  /// nearly; each pass does nothing the second time; and the memory that is planned is enough.
  @Test(arguments: PassLawTests.seeds, [Precision.bf16, .int8])
  func passesKeepResults(seed: UInt64, precision: Precision) throws {
    let vit = SmallViT(seed: seed)
    var graph = try vit.graph()
    let expected = Reference.results(graph)
    var context = PassContext()
    var isExact = true
    for pass in Pipeline.passes(for: precision) {
      if [Pass.useInt8.name, Pass.useBF16.name].contains(pass.name) { isExact = false }
      graph = try pass.transform(graph, &context)
      try Verifier.verify(graph)
      if pass.input == pass.output {
        let again = try pass.transform(graph, &context)
        #expect(again == graph, "\(pass.name) is not idempotent on \(vit)")
      }
      if isExact {
        let error = Reference.error(expected, Reference.results(graph))
        #expect(error <= 1e-5, "\(pass.name) on \(vit)")
      }
    }
    let error = Reference.error(expected, Reference.results(graph))
    #expect(error <= Self.largestError(precision), "\(vit)")
    var simulator = MemorySimulator(
      image: Reference.tensor("input image", [3, vit.size, vit.size]))
    let results = simulator.results(
      graph, arenaBytes: graph.arenaBytes, weightsBytes: graph.weightsBytes)
    #expect(Reference.error(Reference.results(graph), results) <= 1e-5, "\(vit)")
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
