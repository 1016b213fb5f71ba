import IR
import Testing

@testable import Passes

/// What holds for the passes of a precision on any small model.
enum PrecisionLaws {
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
  static func hold(
    of imported: Graph, on input: Tensor, _ precision: Precision,
    _ model: some CustomStringConvertible
  ) throws {
    var graph = imported
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
        #expect(again == graph, "\(pass.name) is not idempotent on \(model)")
      }
      if isExact {
        let error = Reference.error(expected, Reference.results(graph))
        #expect(error <= 1e-5, "\(pass.name) on \(model)")
      }
    }
    let error = Reference.error(expected, Reference.results(graph))
    #expect(error <= largestError(precision), "\(model)")
    var simulator = MemorySimulator(image: input)
    let results = simulator.results(
      graph, arenaBytes: graph.arenaBytes, weightsBytes: graph.weightsBytes)
    #expect(Reference.error(Reference.results(graph), results) <= 1e-5, "\(model)")
  }
}
