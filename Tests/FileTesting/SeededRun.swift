import Diagnostics
import Evaluation
import IR
import Passes
import SeededRandom

/// A graph with inputs and weights of pseudo-random numbers, the same for the same names.
package struct SeededRun {
  /// The graph.
  package let graph: Graph

  package init(_ graph: Graph) { self.graph = graph }

  /// The values of its inputs, by node.
  package var inputs: [String: Tensor] {
    var inputs: [String: Tensor] = [:]
    for node in graph.nodes {
      if case .input(let input) = node.op {
        inputs[node.name] = Self.value(of: input, named: node.name)
      }
    }
    return inputs
  }

  /// Reads the weight of a name.
  package func weight(_ name: String) throws(Diagnostic) -> Tensor {
    for node in graph.nodes {
      if case .weight(let weight) = node.op, weight.tensor == name {
        return Self.tensor(name, weight.shape)
      }
    }
    throw Diagnostic("the graph has no weight '\(name)'")
  }

  /// Its results by the reference semantics.
  package func results() throws(Diagnostic) -> [String: Tensor] {
    try Evaluator(graph) { name throws(Diagnostic) in try weight(name) }.results(inputs)
  }

  /// The graph in the planned form, brought there by the passes of the standard pipeline.
  package func planned() throws(Diagnostic) -> Graph {
    if graph.form == .planned { return graph }
    let passes = Pipeline.standard.drop { $0.input != graph.form }
    return try PassManager(Array(passes)).run(graph).graph
  }

  /// An image of numbers in [-1, 1), or tokens below the limit, the required one near the middle.
  package static func value(of input: Input, named name: String) -> Tensor {
    guard let limit = input.limit else { return tensor(name, input.type.shape) }
    var random = SplitMix64(name: name)
    var ids = (0..<input.type.count).map { _ in Float(random.next() % UInt64(limit)) }
    if let required = input.required { ids[ids.count / 2] = Float(required) }
    return Tensor(shape: input.type.shape, values: ids).rounded(to: input.type.element)
  }

  /// Numbers in [-1, 1).
  package static func tensor(_ name: String, _ shape: [Int]) -> Tensor {
    var random = SplitMix64(name: name)
    return Tensor(
      shape: shape,
      values: (0..<shape.reduce(1, *)).map { _ in SplitMix64.signed(random.next()) })
  }
}
