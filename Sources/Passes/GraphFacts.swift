import Diagnostics
import IR

/// What several passes ask about a graph before they rewrite it.
struct GraphFacts {
  let graph: Graph
  /// The users of each value, by index, once for each operand.
  let users: [[Value]]
  /// `true` iff the graph returns the value, by index.
  let isOutput: [Bool]
  /// `true` iff the value is a function of weights only, by index.
  let constants: [Bool]

  init(_ graph: Graph) {
    self.graph = graph
    users = graph.users()
    constants = graph.constants()
    var isOutput = Array(repeating: false, count: graph.nodes.count)
    for output in graph.outputs { isOutput[output.value.index] = true }
    self.isOutput = isOutput
  }

  /// `true` iff `value` is a function of weights only.
  func isConstant(_ value: Value) -> Bool { constants[value.index] }

  /// The only user of `value`, if it has one and the graph does not return it.
  func soleUser(of value: Value) -> Value? {
    users[value.index].count == 1 && !isOutput[value.index] ? users[value.index][0] : nil
  }

  /// `true` iff every use of `value`, one at least, is as operand `position` and no other of an
  /// operation that `accepts`.
  func isRead(
    _ value: Value, onlyAsOperand position: Int, by accepts: (Node) -> Bool
  ) -> Bool {
    guard !isOutput[value.index], !users[value.index].isEmpty else { return false }
    return users[value.index].allSatisfy { user in
      let node = graph[user]
      return accepts(node)
        && node.operands.enumerated().allSatisfy {
          ($0.element == value) == ($0.offset == position)
        }
    }
  }

  /// `true` iff `node` is a linear layer whose weight and bias are constants.
  func isConstantLinear(_ node: Node) -> Bool {
    guard case .linear = node.op else { return false }
    return node.operands.dropFirst().allSatisfy(isConstant)
  }
}

extension GraphRewriter {
  /// The old node that makes `old`, if it is a linear layer over constants and this its only use.
  func soleLinear(_ old: Value) -> Node? {
    guard let node = soleProducer(of: old), case .linear = node.op,
      node.operands.dropFirst().allSatisfy({ constants[$0.index] })
    else { return nil }
    return node
  }

  /// Appends `bias + weight @ vector` as a constant of shape `[out]`; all three are values of the
  /// new graph, `weight: [out, in]`, `vector: [in]`, `bias: [out]` or absent.
  mutating func appendShiftedBias(
    _ vector: Value, through weight: Value, bias: Value?, name: String
  ) throws(Diagnostic) -> Value {
    let row = try append(
      .reshape(Reshape([1, type(vector).count])), [vector], name: "\(name).row")
    let product = try append(
      .linear(Linear()), [row, weight] + (bias.map { [$0] } ?? []), name: "\(name).product")
    return try append(.reshape(Reshape([type(weight).shape[0]])), [product], name: name)
  }
}
