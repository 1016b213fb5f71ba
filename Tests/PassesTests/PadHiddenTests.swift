import IR
import Testing

@testable import Passes

/// The zeros that Strassen's algorithm needs change nothing.
@Suite struct PadHiddenTests {
  /// Two layers with `hidden` elements between them, fused.
  private func graph(_ hidden: Int, _ activation: ActivationFunction?) throws -> Graph {
    var builder = GraphBuilder(name: "g", form: .fused)
    let x = try builder.append(.input(Input(type: .f32(48, 384))), [], name: "x")
    let weights = try [
      ("w", [hidden, 384]), ("b", [hidden]), ("v", [384, hidden]), ("c", [384]),
    ].map { name, shape in
      try builder.append(.weight(Weight(tensor: name, shape: shape)), [], name: name)
    }
    let h = try builder.append(
      .fusedLinear(
        FusedLinear(epilogue: Epilogue(hasBias: true, activation: activation))),
      [x, weights[0], weights[1]], name: "h")
    let y = try builder.append(
      .fusedLinear(FusedLinear(epilogue: Epilogue(hasBias: true, hasResidual: true))),
      [h, weights[2], weights[3], x], name: "y")
    builder.addOutput("y", y)
    return builder.graph
  }

  @Test(arguments: ActivationFunction.allCases)
  func activationsKeepZero(_ activation: ActivationFunction) {
    #expect(activation(0) == 0)
  }

  @Test(arguments: [nil, .geluTanh] as [ActivationFunction?])
  func resultsAreTheSame(_ activation: ActivationFunction?) throws {
    let before = try graph(1270, activation)
    var context = PassContext()
    let after = try Pass.padHidden.transform(before, &context)
    try Verifier.verify(after)
    #expect(after.values.contains { after[$0].name == "h" && after[$0].type.shape == [48, 1280] })
    #expect(Reference.results(after) == Reference.results(before))
    #expect(try Pass.padHidden.transform(after, &context) == after)
  }

  /// The MLP of SigLIP's so400m is what the pass is for.
  @Test func bothLayersThenGoByStrassen() throws {
    let before = try graph(4304, .geluTanh)
    for (passes, count) in [
      ([.packWeights, .chooseStrassen], 0), ([.padHidden, .packWeights, .chooseStrassen], 2),
    ] as [([Pass], Int)] {
      var context = PassContext()
      var graph = before
      for pass in passes { graph = try pass.transform(graph, &context) }
      let found = graph.nodes.filter {
        if case .fusedLinear(let layer) = $0.op { layer.algorithm == .strassen } else { false }
      }
      #expect(found.count == count)
    }
  }

  @Test func nothingIsDoneBeyondTheLimit() throws {
    let before = try graph(1270, .gelu)
    var context = PassContext(limit: 0)
    #expect(try Pass.padHidden.transform(before, &context) == before)
  }
}
