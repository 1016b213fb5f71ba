import Diagnostics
import Evaluation
import IR
import Passes

/// A graph with inputs and weights of pseudo-random numbers, the same for the same names.
struct SeededRun {
  /// The graph.
  let graph: Graph

  init(_ graph: Graph) { self.graph = graph }

  /// The values of its inputs, by node.
  var inputs: [String: Tensor] {
    var inputs: [String: Tensor] = [:]
    for node in graph.nodes {
      if case .input = node.op { inputs[node.name] = Self.tensor(node.name, node.type.shape) }
    }
    return inputs
  }

  /// Reads the weight of a name.
  func weight(_ name: String) throws(Diagnostic) -> Tensor {
    for node in graph.nodes {
      if case .weight(let weight) = node.op, weight.tensor == name {
        return Self.tensor(name, weight.shape)
      }
    }
    throw Diagnostic("the graph has no weight '\(name)'")
  }

  /// Its results by the reference semantics.
  func results() throws(Diagnostic) -> [String: Tensor] {
    try Evaluator(graph) { name throws(Diagnostic) in try weight(name) }.results(inputs)
  }

  /// The graph in the planned form, brought there by the passes of the standard pipeline.
  func planned() throws(Diagnostic) -> Graph {
    if graph.form == .planned { return graph }
    let passes = Pipeline.standard.drop { $0.input != graph.form }
    return try PassManager(Array(passes)).run(graph).graph
  }

  /// Numbers in [-1, 1): SplitMix64 (doi:10.1145/2714064.2660195) from the FNV-1a hash of the name.
  static func tensor(_ name: String, _ shape: [Int]) -> Tensor {
    var state = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    let values = (0..<shape.reduce(1, *)).map { _ -> Float in
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      z ^= z >> 31
      return Float(z >> 40) / Float(1 << 23) - 1
    }
    return Tensor(shape: shape, values: values)
  }
}
