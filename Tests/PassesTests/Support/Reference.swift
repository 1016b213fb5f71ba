import IR
import SeededRandom
import Testing

/// The truth that passes are held to: reference semantics over tensors made from names.
enum Reference {
  /// A tensor of uniform values in -0.5...0.5 that depend on `name` only.
  static func tensor(_ name: String, _ shape: [Int]) -> Tensor {
    var random = SplitMix64(name: name)
    return Tensor(
      shape: shape,
      values: (0..<shape.reduce(1, *)).map { _ in Float.random(in: -0.5...0.5, using: &random) })
  }

  /// The value of an input: an image, or tokens below the limit, the required one in the middle.
  static func input(_ input: Input, named name: String) -> Tensor {
    guard let limit = input.limit else { return tensor("input \(name)", input.type.shape) }
    var random = SplitMix64(name: "input \(name)")
    var ids = (0..<input.type.count).map { _ in
      Float(Int.random(in: 0..<limit, using: &random))
    }
    if let required = input.required { ids[ids.count / 2] = Float(required) }
    return Tensor(shape: input.type.shape, values: ids).rounded(to: input.type.element)
  }

  /// All values of a graph: for each node its results.
  static func values(_ graph: Graph) -> [[Tensor]] {
    var tensors: [[Tensor]] = []
    for node in graph.nodes {
      switch node.op {
      case .input(let value): tensors.append([input(value, named: node.name)])
      case .weight(let weight): tensors.append([tensor(weight.tensor, weight.shape)])
      default:
        let operands = node.operands.map { tensors[$0.index][$0.result] }
        tensors.append(node.op.evaluateAll(operands))
      }
    }
    return tensors
  }

  /// The results of a graph, by name.
  static func results(_ graph: Graph) -> [String: Tensor] {
    let values = values(graph)
    return Dictionary(
      uniqueKeysWithValues: graph.outputs.map { ($0.name, values[$0.value.index][$0.value.result]) }
    )
  }

  /// `max |a - b| / rms(a)`, infinite where shapes or names differ or something is not a number.
  static func error(_ a: [String: Tensor], _ b: [String: Tensor]) -> Double {
    guard Set(a.keys) == Set(b.keys) else { return .infinity }
    var worst = 0.0
    for (name, x) in a {
      guard let y = b[name], x.shape == y.shape else { return .infinity }
      let square = x.values.reduce(0.0) { $0 + Double($1) * Double($1) }
      let rms = (square / Double(x.values.count)).squareRoot()
      for (p, q) in zip(x.values, y.values) {
        guard p.isFinite, q.isFinite else { return .infinity }
        worst = max(worst, Double(abs(p - q)) / max(rms, 1e-6))
      }
    }
    return worst
  }
}

/// Parses a graph and requires that it verifies.
func parsed(_ text: String) throws -> Graph {
  let graph = try GraphParser.parse(text)
  try Verifier.verify(graph)
  return graph
}
