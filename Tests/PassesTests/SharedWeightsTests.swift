import IR
import Models
import Testing

@testable import Passes

/// One blob of weights for graphs of several sizes.
@Suite struct SharedWeightsTests {
  private func planned(
    _ side: Int, _ precision: Precision = .f32, _ name: String = "vit_wee_patch16_reg1_gap_256"
  ) throws -> Graph {
    let model = try Model.load(
      name, options: ModelOptions(weights: "seed:1", imageSize: (side, side)))
    return try PassManager(Pipeline.passes(for: precision)).run(
      model.graph(outputs: model.defaultOutputs)
    ).graph
  }

  private func weights(_ graph: Graph) -> [String: Placement] {
    var found: [String: Placement] = [:]
    for value in graph.values {
      guard let placement = graph[value].placement, placement.space == .weights else { continue }
      found[graph[value].name] = placement
    }
    return found
  }

  @Test(arguments: Precision.allCases)
  func onlyTablesAreAdded(_ precision: Precision) throws {
    let (one, two) = (try planned(64, precision), try planned(96, precision))
    var shared = SharedWeights()
    let first = shared.place(one)
    #expect(first.graph == one && shared.bytes == one.weightsBytes)
    #expect(first.added.count == weights(one).count)
    let second = shared.place(two)
    try Verifier.verify(second.graph)
    let added = second.added.map { second.graph[$0].name }
    // The table of positions is the only constant that depends on the size.
    #expect(added.count == 1 && added.allSatisfy { $0.contains("pos_embed") }, "\(added)")
    #expect(second.graph.weightsBytes == shared.bytes)
    #expect(shared.bytes < one.weightsBytes + two.weightsBytes / 4)
    let (before, after) = (weights(one), weights(second.graph))
    for (name, place) in after where !added.contains(name) { #expect(before[name] == place) }
    // What is added lies behind.
    for name in added { #expect((after[name]?.offsetBytes ?? 0) >= one.weightsBytes) }
    // Nothing else of the graph changes.
    #expect(second.graph.placed(two.values.map { two[$0].placement }) == two)
    let again = shared.place(two)
    #expect(again.added.isEmpty && again.graph == second.graph)
  }

  /// The same name for another computation has a place of its own.
  @Test func otherModelsShareNothingByName() throws {
    let (one, two) = (try planned(64), try planned(64, .bf16))
    var shared = SharedWeights()
    _ = shared.place(one)
    let second = shared.place(two)
    try Verifier.verify(second.graph)
    let rounded = second.graph.values.filter {
      second.graph[$0].type.element == .bf16 && second.graph[$0].placement?.space == .weights
    }
    #expect(!rounded.isEmpty && rounded.allSatisfy(second.added.contains))
  }
}
