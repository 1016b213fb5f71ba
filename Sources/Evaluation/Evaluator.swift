import Diagnostics
import IR

/// Computes values of a graph by the reference semantics of its operations.
///
/// It serves three masters: constants, when the weights are written; the figures of `vitc figures`;
/// and the tests, as the truth that generated code is held to. Big matmuls go through OpenBLAS.
///
/// What values are computed in, `Float` or `Double`, is for the caller to say, by the type of the
/// tensors that it gives or takes. Weights are read in single precision.
public struct Evaluator {
  /// Reads a tensor of the checkpoint by its name there.
  public typealias WeightReader = (String) throws(Diagnostic) -> Tensor

  private let graph: Graph
  private let weights: WeightReader

  /// Creates an evaluator.
  public init(_ graph: Graph, weights: @escaping WeightReader) {
    self.graph = graph
    self.weights = weights
  }

  /// Returns the graph's results, by name.
  ///
  /// - Parameter inputs: a tensor for each input node, by the node's name.
  /// - Throws: a missing or wrongly shaped input, or what reading a weight throws.
  public func results<S: BLASScalar>(
    _ inputs: [String: DenseTensor<S>]
  ) throws(Diagnostic) -> [String: DenseTensor<S>] {
    var tensors: [Value: DenseTensor<S>] = [:]
    try visit(Set(graph.outputs.map(\.value)), inputs) { value, tensor in tensors[value] = tensor }
    var results: [String: DenseTensor<S>] = [:]
    for output in graph.outputs { results[output.name] = tensors[output.value] }
    return results
  }

  /// Hands out values as soon as they are computed, in the graph's order; each is released after
  /// its last use.
  ///
  /// - Parameters:
  ///   - wanted: the values; what none of them depends on is not computed.
  ///   - inputs: a tensor for each input node, by the node's name.
  ///   - body: takes a value.
  /// - Throws: a missing or wrongly shaped input, what reading a weight throws, or what `body`
  ///   throws.
  public func visit<S: BLASScalar>(
    _ wanted: Set<Value>, _ inputs: [String: DenseTensor<S>],
    _ body: (Value, DenseTensor<S>) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    // -1: nothing wanted depends on it, so it is not computed.
    var lastUse = Array(repeating: -1, count: graph.nodes.count)
    for value in wanted { lastUse[value.index] = max(lastUse[value.index], value.index) }
    for index in graph.nodes.indices.reversed() where lastUse[index] >= 0 {
      for operand in graph.nodes[index].operands {
        lastUse[operand.index] = max(lastUse[operand.index], index)
      }
    }
    var tensors: [[DenseTensor<S>]?] = Array(repeating: nil, count: graph.nodes.count)
    func tensor(_ value: Value) -> DenseTensor<S>? { tensors[value.index]?[value.result] }
    for (index, node) in graph.nodes.enumerated() where lastUse[index] >= 0 {
      if case .input = node.op {
        tensors[index] = [try input(node, inputs)]
      } else {
        tensors[index] = try self.results(of: node, node.operands.compactMap(tensor))
      }
      for value in graph.results(of: index) where wanted.contains(value) {
        if let tensor = tensor(value) { try body(value, tensor) }
      }
      for operand in node.operands where lastUse[operand.index] == index {
        tensors[operand.index] = nil
      }
      if lastUse[index] == index { tensors[index] = nil }
    }
  }

  /// Returns a value that is a function of weights only; see `constants(_:_:)`.
  public func constant(_ value: Value) throws(Diagnostic) -> Tensor {
    try constant(value, in: Float.self)
  }

  /// Returns a value that is a function of weights only, in a precision; see `constants(_:_:)`.
  public func constant<S: BLASScalar>(
    _ value: Value, in precision: S.Type
  ) throws(Diagnostic) -> DenseTensor<S> {
    var result: DenseTensor<S>?
    try constants([value]) { _, tensor in result = tensor }
    guard let result else {
      throw Diagnostic("the value cannot be computed", at: .node(graph[value].name))
    }
    return result
  }

  /// Hands out values that are functions of weights only, in order.
  ///
  /// Operands are computed just before their first use, once for all values, and released after
  /// their last one, so that memory stays near the size of the largest tensor of values that share
  /// their operands.
  ///
  /// - Throws: what reading a weight throws, a value that depends on an input, or what `body`
  ///   throws.
  public func constants<S: BLASScalar>(
    _ values: [Value], _ body: (Value, DenseTensor<S>) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    // By nodes, each known by its first result.
    var uses: [Value: Int] = [:]
    var pending: [Value] = []
    func use(_ value: Value) {
      let node = value.sibling(0)
      if uses[node] == nil { pending.append(node) }
      uses[node, default: 0] += 1
    }
    for value in values { use(value) }
    while let next = pending.popLast() {
      for operand in graph[next].operands { use(operand) }
    }
    var tensors: [Value: [DenseTensor<S>]] = [:]
    func tensor(_ value: Value) -> DenseTensor<S>? { tensors[value.sibling(0)]?[value.result] }
    func release(_ value: Value) {
      let node = value.sibling(0)
      uses[node, default: 0] -= 1
      if uses[node] == 0 { tensors[node] = nil }
    }
    for value in values {
      var stack = [value.sibling(0)]
      while let next = stack.last {
        let node = graph[next].node
        if tensors[next] != nil {
          stack.removeLast()
        } else if let missing = node.operands.first(where: { tensor($0) == nil }) {
          stack.append(missing.sibling(0))
        } else {
          if case .input = node.op {
            throw Diagnostic("the value depends on an input", at: .node(node.name))
          }
          tensors[next] = try results(of: node, node.operands.compactMap(tensor))
          for operand in node.operands { release(operand) }
          stack.removeLast()
        }
      }
      if let tensor = tensor(value) { try body(value, tensor) }
      release(value)
    }
  }

  private func results<S: BLASScalar>(
    of node: Node, _ operands: [DenseTensor<S>]
  ) throws(Diagnostic) -> [DenseTensor<S>] {
    if case .weight(let weight) = node.op {
      let tensor = try weights(weight.tensor)
      guard tensor.shape == weight.shape else {
        throw Diagnostic(
          "tensor '\(weight.tensor)' is \(tensor.type), expected \(node.type)",
          at: .node(node.name))
      }
      return [DenseTensor(widening: tensor.rounded(to: weight.element))]
    }
    return bigMatmul(node.op, operands).map { [$0] } ?? node.op.evaluateAll(operands)
  }

  /// The result of an operation that is one big matmul, through OpenBLAS; `nil` for all that are
  /// not listed here, which are evaluated as they define themselves.
  private func bigMatmul<S: BLASScalar>(
    _ op: Op, _ operands: [DenseTensor<S>]
  ) -> DenseTensor<S>? {
    if case .linear = op { return BLAS.linear(operands) }
    if case .matMul(let op) = op { return BLAS.matmul(op, operands) }
    let rows: DenseTensor<S>
    if case .patchEmbed = op {
      rows = Op.extractPatches(ExtractPatches(patch: operands[1].shape[2])).evaluate([operands[0]])
    } else if case .conv2d(let op) = op {
      rows = op.unfolded(operands)
    } else {
      return nil
    }
    let weight = DenseTensor<S>(
      shape: [operands[1].shape[0], rows.columns], values: operands[1].values)
    return BLAS.linear([rows, weight] + operands.dropFirst(2))
  }

  private func input<S: TensorScalar>(
    _ node: Node, _ inputs: [String: DenseTensor<S>]
  ) throws(Diagnostic) -> DenseTensor<S> {
    guard let tensor = inputs[node.name] else {
      throw Diagnostic("no value was given for the input", at: .node(node.name))
    }
    guard tensor.type == node.type else {
      throw Diagnostic(
        "the input is \(tensor.type), expected \(node.type)", at: .node(node.name))
    }
    return tensor
  }
}
