import Diagnostics
import Evaluation
import IR

/// The values of a graph for a number of images, made node by node and kept until their last use.
///
/// A copy goes its own way.
struct Activations {
  let graph: Graph
  /// The number of images.
  let count: Int
  /// The nodes that depend on the image, each by its first result, operands before users.
  let order: [Value]
  private let constants: ConstantCache
  private var values: [Value: [Tensor]] = [:]
  private var remaining: ValueTable<Int>

  /// - Parameter keepsConstants: `true` iff constants are wanted again and again.
  init(
    _ graph: Graph, images: [Tensor], keepsConstants: Bool = false,
    weights: @escaping Evaluator.WeightReader
  ) {
    self.graph = graph
    count = images.count
    constants = ConstantCache(graph, keeps: keepsConstants, weights: weights)
    let isConstant = graph.constants()
    order = graph.firstResults.filter { !isConstant[$0.index] }
    var remaining = ValueTable(graph, repeating: 0)
    for operand in graph.nodes.flatMap(\.operands) { remaining[operand] += 1 }
    for output in graph.outputs { remaining[output.value] += 1 }
    self.remaining = remaining
    for value in order {
      if case .input = graph[value].op { values[value] = images }
    }
  }

  /// One tensor for each image; of a constant, the same for all.
  func tensors(_ value: Value) throws(Diagnostic) -> [Tensor] {
    if let tensors = values[value] { return tensors }
    return Array(repeating: try constants.tensor(value), count: count)
  }

  /// A value that depends on weights only.
  func constant(_ value: Value) throws(Diagnostic) -> Tensor { try constants.tensor(value) }

  /// Keeps the only result of a node, and releases the operands that nothing reads any more.
  mutating func set(_ value: Value, _ tensors: [Tensor]) { set(value, results: [tensors]) }

  /// Computes the results of a node and keeps those that are read.
  mutating func compute(_ value: Value) throws(Diagnostic) {
    set(value, results: try evaluate(value))
  }

  private mutating func set(_ value: Value, results: [[Tensor]]) {
    for (number, tensors) in results.enumerated() where remaining[value.sibling(number)] > 0 {
      values[value.sibling(number)] = tensors
    }
    for operand in graph[value].operands {
      remaining[operand] -= 1
      if remaining[operand] == 0 { values[operand] = nil }
    }
  }

  /// The results of a node, each with one tensor for each image.
  func evaluate(_ value: Value) throws(Diagnostic) -> [[Tensor]] {
    let node = graph[value].node
    if case .input = node.op { return [try tensors(value)] }
    if case .fusedLinear(let fusedLinear) = node.op {
      return [try finish(try sums(value, fusedLinear), value, fusedLinear)]
    }
    var operands: [[Tensor]] = []
    for operand in node.operands { operands.append(try tensors(operand)) }
    let inputs = operands
    if case .attention(let attention) = node.op, let matmul = AttentionMatmul(attention) {
      return [
        concurrentMap(count) { image in matmul.evaluate(inputs.map { $0[image] }) }
      ]
    }
    let byImage = concurrentMap(count) { (image: Int) -> [Tensor] in
      let operands = inputs.map { $0[image] }
      guard case .convolution(let convolution) = node.op else {
        return node.op.evaluateAll(operands)
      }
      return convolution.evaluateAll(operands) {
        LinearStep.sums($0[0], $0[1], bias: $0.count > 2 ? $0[2].values : [])
      }
    }
    return node.results.indices.map { number in byImage.map { $0[number] } }
  }

  /// The rows of a fused linear layer as they are multiplied.
  func rows(_ value: Value, _ step: LinearStep) throws(Diagnostic) -> [Tensor] {
    let x = try tensors(graph[value].operands[0])
    return concurrentMap(count) { step.rows(x[$0]) }
  }

  /// The sums of a fused linear layer, with its bias.
  func sums(
    _ value: Value, _ fusedLinear: FusedLinear
  ) throws(Diagnostic) -> [Tensor] {
    let node = graph[value]
    let weight = try constant(node.operands[1])
    var bias: Tensor?
    if let operand = node[.bias] { bias = try constant(operand) }
    let rows = try rows(value, LinearStep(fusedLinear: fusedLinear, operandType: weight.element))
    guard weight.element == .s8, let quantization = bias else {
      let known = bias?.values ?? []
      return concurrentMap(count) { LinearStep.sums(rows[$0], weight, bias: known) }
    }
    var scaled = weight.rounded(to: .f32)
    for n in 0..<weight.rows {
      for k in n * weight.columns..<(n + 1) * weight.columns {
        scaled.values[k] *= quantization.values[n]
      }
    }
    let (known, shifts) = (scaled, Array(quantization.values[(2 * weight.rows)...]))
    return concurrentMap(count) { LinearStep.sums(rows[$0], known, bias: shifts) }
  }

  /// What follows the sums: activation, residual, rounding.
  func finish(
    _ sums: [Tensor], _ value: Value, _ fusedLinear: FusedLinear
  ) throws(Diagnostic) -> [Tensor] {
    var residual: [Tensor]?
    if let operand = graph[value][.residual] { residual = try tensors(operand) }
    let (step, added) = (LinearStep(fusedLinear: fusedLinear, operandType: .f32), residual)
    return concurrentMap(count) { step.finish(sums[$0], residual: added?[$0]) }
  }

  /// The results, by name; all nodes must have been computed.
  func results() throws(Diagnostic) -> [String: [Tensor]] {
    var results: [String: [Tensor]] = [:]
    for output in graph.outputs { results[output.name] = try tensors(output.value) }
    return results
  }
}

/// A graph's constants, computed when they are asked for.
private final class ConstantCache {
  private let evaluator: Evaluator
  private let keeps: Bool
  private var known: [Value: Tensor] = [:]

  init(_ graph: Graph, keeps: Bool, weights: @escaping Evaluator.WeightReader) {
    evaluator = Evaluator(graph, weights: weights)
    self.keeps = keeps
  }

  func tensor(_ value: Value) throws(Diagnostic) -> Tensor {
    if let tensor = known[value] { return tensor }
    let tensor = try evaluator.constant(value)
    if keeps { known[value] = tensor }
    return tensor
  }
}
