import Diagnostics
import Evaluation
import IR

/// `evaluate`: computes by the reference semantics, once through `Evaluator` and once by each
/// operation's own definition.
///
/// `// given name: [...]` gives inputs (by node) and weights (by tensor); `// expect name: [...]`
/// is the expected value of a result; a difference up to `// tolerance: t` (default 1e-6) times
/// `max(1, |expected|)` is allowed.
package struct EvaluateCommand: FileTestCommand {
  package static let keywords: Set = ["given", "tolerance"]

  package init(arguments: [String]) throws {
    guard arguments.isEmpty else { throw Failure("'evaluate' takes no arguments") }
  }

  package func observe(_ section: FileTest.Section) throws -> [String] {
    let graph = try section.graph()
    let lists = try FileTest.Section.lists(section.body, after: "given")
    var given = Dictionary(lists) { first, _ in first }
    guard given.count == lists.count else { throw Failure("something is given twice") }
    var inputs: [String: Tensor] = [:]
    var weights: [String: Tensor] = [:]
    for node in graph.nodes {
      switch node.op {
      case .input: inputs[node.name] = try tensor(node, named: node.name, &given)
      case .weight(let weight):
        weights[weight.tensor] = try tensor(node, named: weight.tensor, &given)
      default: break
      }
    }
    if let name = given.keys.sorted().first { throw Failure("nothing reads the given '\(name)'") }
    let tolerance = try tolerance(section)
    let expected = try FileTest.Section.lists(section.expectation, after: "expect")
    let evaluator = Evaluator(graph) { name throws(Diagnostic) in
      guard let tensor = weights[name] else { throw Diagnostic("no weight '\(name)'") }
      return tensor
    }
    let results = try evaluator.results(inputs)
    let plain = Self.byDefinition(graph, inputs, weights)
    for (name, tensor) in results {
      guard let other = plain[name], Self.agree(tensor.values, other.values, tolerance) else {
        throw Failure("Evaluator and definition differ on '\(name)': \(tensor)")
      }
    }
    let holds =
      expected.map(\.0) == graph.outputs.map(\.name)
      && expected.allSatisfy { name, values in
        results[name].map { Self.agree($0.values, values, tolerance) } ?? false
      }
    if holds { return section.expecting(section.expectation) }
    return section.expecting(
      graph.outputs.flatMap { Self.shown($0.name, results[$0.name]?.values ?? []) })
  }

  private func tensor(
    _ node: Node, named name: String, _ given: inout [String: [Float]]
  ) throws -> Tensor {
    guard let values = given.removeValue(forKey: name) else {
      throw Failure("'// given \(name): [...]' is missing")
    }
    guard values.count == node.type.count else {
      throw Failure("'\(name)' is \(node.type) and \(values.count) values are given")
    }
    return Tensor(shape: node.type.shape, values: values).rounded(to: node.type.element)
  }

  private func tolerance(_ section: FileTest.Section) throws -> Float {
    guard let line = section.body.first(where: { $0.hasPrefix("// tolerance: ") }) else {
      return 1e-6
    }
    guard let value = Float(line.dropFirst("// tolerance: ".count)), value < 0.1 else {
      throw Failure("'\(line)' is not a tolerance below 0.1")
    }
    return value
  }

  package static func agree(_ a: [Float], _ b: [Float], _ tolerance: Float) -> Bool {
    a.count == b.count
      && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($1)) }
  }

  /// Evaluates node by node, with `Op.evaluate` only.
  private static func byDefinition(
    _ graph: Graph, _ inputs: [String: Tensor], _ weights: [String: Tensor]
  ) -> [String: Tensor] {
    var tensors: [[Tensor]] = []
    for node in graph.nodes {
      let bound: Tensor? =
        switch node.op {
        case .input: inputs[node.name]
        case .weight(let weight): weights[weight.tensor]
        default: nil
        }
      func tensor(_ value: Value) -> Tensor { tensors[value.index][value.result] }
      tensors.append(bound.map { [$0] } ?? node.op.evaluateAll(node.operands.map(tensor)))
    }
    return Dictionary(
      uniqueKeysWithValues: graph.outputs.map {
        ($0.name, tensors[$0.value.index][$0.value.result])
      })
  }

  /// A list in lines of at most 100 columns.
  private static func shown(_ name: String, _ values: [Float]) -> [String] {
    var lines = ["// expect \(name): ["]
    for (index, value) in values.enumerated() {
      let word = "\(value)" + (index + 1 < values.count ? "," : "]")
      let gap = lines[lines.count - 1].hasSuffix("[") ? "" : " "
      if lines[lines.count - 1].count + word.count + 1 > 100 {
        lines.append("//   " + word)
      } else {
        lines[lines.count - 1] += gap + word
      }
    }
    return lines
  }
}
