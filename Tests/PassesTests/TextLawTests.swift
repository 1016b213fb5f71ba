import IR
import Testing

@testable import Passes

/// Laws of the passes on random small text towers.
struct TextLawTests {
  static let seeds = Array(UInt64(1)...24)

  /// Each pass keeps the results, up to rounding where it rounds, and does nothing the second time;
  /// the memory that is planned is enough.
  @Test(arguments: seeds, Precision.allCases)
  func `passes keep results`(seed: UInt64, precision: Precision) throws {
    let text = SmallText(seed: seed)
    var graph = try text.graph()
    try Verifier.verify(graph)
    let expected = Reference.results(graph)
    var context = PassContext()
    var isExact = true
    for pass in Pipeline.passes(for: precision) {
      if [Pass.useInt8.name, Pass.useBF16.name].contains(pass.name) { isExact = false }
      graph = try pass.transform(graph, &context)
      try Verifier.verify(graph)
      if pass.input == pass.output {
        let again = try pass.transform(graph, &context)
        #expect(again == graph, "\(pass.name) is not idempotent on \(text)")
      }
      if isExact {
        let error = Reference.error(expected, Reference.results(graph))
        #expect(error <= 1e-5, "\(pass.name) on \(text)")
      }
    }
    let error = Reference.error(expected, Reference.results(graph))
    #expect(error <= PrecisionLawTests.largestError(precision), "\(text)")
    var simulator = MemorySimulator(image: text.ids)
    let results = simulator.results(
      graph, arenaBytes: graph.arenaBytes, weightsBytes: graph.weightsBytes)
    #expect(Reference.error(Reference.results(graph), results) <= 1e-5, "\(text)")
  }

  /// Blocks become few large operations, as those of an image encoder do; norms that only linear
  /// layers read become row scales, since the table of tokens can be centred.
  @Test(arguments: seeds)
  func `blocks are fused`(seed: UInt64) throws {
    let text = SmallText(seed: seed)
    let graph = try PassManager(Pipeline.standard).run(text.graph()).graph
    let constants = graph.constants()
    let left = graph.nodes.indices.filter { !constants[$0] }.map { graph.nodes[$0].op.mnemonic }
    #expect(left.count { $0 == "attention" } == text.depth, "\(text)")
    #expect(!left.contains("softmax") && !left.contains("linear"), "\(text)")
    #expect(left.count { $0 == "embedding" } == 1, "\(text)")
    if !text.returnsTokens { #expect(!left.contains("layer_norm"), "\(text)") }
  }
}
