import IR
import Testing

@testable import Passes

/// Laws that every pass obeys, on random small Vision Transformers.
struct PassLawTests {
  static let seeds = Array(UInt64(1)...24)

  /// Each pass, on the graph that the passes before it leave, keeps the results and does nothing
  /// the second time.
  @Test(arguments: seeds)
  func eachPassPreservesResultsAndIsIdempotent(seed: UInt64) throws {
    let vit = SmallViT(seed: seed)
    var graph = try vit.graph()
    try Verifier.verify(graph)
    let expected = Reference.results(graph)
    var context = PassContext()
    for pass in Pipeline.standard {
      graph = try pass.transform(graph, &context)
      try Verifier.verify(graph)
      let error = Reference.error(expected, Reference.results(graph))
      #expect(error <= 1e-5, "\(pass.name) on \(vit)")
      if pass.input == pass.output {
        let again = try pass.transform(graph, &context)
        #expect(again == graph, "\(pass.name) is not idempotent on \(vit)")
      }
    }
  }

  /// Each pass within the imported form alone, without those before it.
  @Test(arguments: seeds)
  func eachPassAlonePreservesResults(seed: UInt64) throws {
    let vit = SmallViT(seed: seed)
    let graph = try vit.graph()
    let expected = Reference.results(graph)
    for pass in Pipeline.standard where pass.input == .imported && pass.output == .imported {
      var context = PassContext()
      let result = try pass.transform(graph, &context)
      try Verifier.verify(result)
      let error = Reference.error(expected, Reference.results(result))
      #expect(error <= 1e-5, "\(pass.name) on \(vit)")
    }
  }

  /// However few rewrites are allowed, the results are right: what a bisection relies on.
  @Test(arguments: [7, 23] as [UInt64], Precision.allCases)
  func everyRewriteLimitPreservesResults(seed: UInt64, precision: Precision) throws {
    let vit = SmallViT(seed: seed)
    let graph = try vit.graph()
    let expected = Reference.results(graph)
    for limit in stride(from: 0, through: 78, by: 6) {
      let result = try PassManager(Pipeline.passes(for: precision)).run(
        graph, PassManager.Options(rewriteLimit: limit))
      let error = Reference.error(expected, Reference.results(result.graph))
      let lowered = !result.graph.multipliedTypes.isSubset(of: [.f32])
      #expect(
        error <= (lowered ? PrecisionLaws.largestError(precision) : 1e-5),
        "limit \(limit) on \(vit)")
    }
  }

  /// The memory that was planned, when really used, gives the results: nothing live is overwritten.
  @Test(arguments: seeds)
  func plannedMemoryHoldsWhatIsRead(seed: UInt64) throws {
    let vit = SmallViT(seed: seed)
    let graph = try vit.graph()
    let planned = try PassManager().run(graph).graph
    var simulator = MemorySimulator(
      image: Reference.tensor("input image", [3, vit.size, vit.size]))
    let results = simulator.results(
      planned, arenaBytes: planned.arenaBytes, weightsBytes: planned.weightsBytes)
    #expect(Reference.error(Reference.results(graph), results) <= 1e-5, "\(vit)")
  }
}
