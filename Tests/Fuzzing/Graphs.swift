import Diagnostics
import Evaluation
import IR
import Passes

/// The text of a graph: what is parsed prints as a text that gives the same graph; what is verified
/// can be evaluated; passes make valid graphs.
func fuzzIR(_ bytes: UnsafeRawBufferPointer) {
  let text = String(decoding: bytes, as: UTF8.self)
  expectDiagnostics { () throws(Diagnostic) in
    let graph = try GraphParser.parse(text, file: "fuzz.vir")
    let printed = graph.description
    do throws(Diagnostic) {
      let again = try GraphParser.parse(printed)
      promise(again == graph && again.description == printed, "printed otherwise: \(printed)")
    } catch {
      promise(false, "the printed text cannot be read: \(error)")
    }
    try Verifier.verify(graph)
    evaluate(graph)
    if graph.form != .planned {
      for precision in [Precision.f32, .int8] {
        let passes = Pipeline.passes(for: precision).drop { $0.input != graph.form }
        do throws(Diagnostic) {
          _ = try PassManager(Array(passes)).run(graph)
        } catch {
          promise(!error.message.contains("made an invalid graph"), "\(error)")
          throw error
        }
      }
    }
  }
}

/// Evaluates a graph whose reference takes no time.
private func evaluate(_ graph: Graph) {
  // The most that any reference does is a product of three extents.
  let work = graph.nodes.reduce(0.0) { work, node in
    let operands = node.operands.map { Double(graph[$0].type.count) }
    return work + Double(node.type.count) * (1 + (operands.max() ?? 0))
  }
  guard work < 1e6 else { return }
  let evaluator = Evaluator(graph) { name throws(Diagnostic) in
    for node in graph.nodes {
      if case .weight(let weight) = node.op, weight.tensor == name {
        return tensor(node.type.shape)
      }
    }
    throw Diagnostic("no tensor '\(name)'")
  }
  var inputs: [String: Tensor] = [:]
  for node in graph.nodes {
    if case .input = node.op { inputs[node.name] = tensor(node.type.shape) }
  }
  expectDiagnostics { () throws(Diagnostic) in
    let results = try evaluator.results(inputs)
    for output in graph.outputs {
      promise(
        results[output.name]?.shape == graph[output.value].type.shape, "another shape than typed")
    }
  }
}

private func tensor(_ shape: [Int]) -> Tensor {
  let count = shape.reduce(1, *)
  return Tensor(shape: shape, values: (0..<count).map { Float($0 % 7) - 3 })
}
