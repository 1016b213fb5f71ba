import Diagnostics
import IR

/// What several passes ask about a graph before they rewrite it.
struct GraphFacts {
  let graph: Graph
  /// The users of each value, each by its first result, once for each operand.
  let users: ValueTable<[Value]>
  /// `true` iff the graph returns the value.
  let isOutput: ValueTable<Bool>
  /// `true` iff the results of a node, by its index, are functions of weights only.
  let constants: [Bool]

  init(_ graph: Graph) {
    self.graph = graph
    users = graph.users()
    constants = graph.constants()
    var isOutput = ValueTable(graph, repeating: false)
    for output in graph.outputs { isOutput[output.value] = true }
    self.isOutput = isOutput
  }

  /// `true` iff `value` is a function of weights only.
  func isConstant(_ value: Value) -> Bool { constants[value.index] }

  /// The only user of `value`, if it has one and the graph does not return it.
  func soleUser(of value: Value) -> Value? {
    users[value].count == 1 && !isOutput[value] ? users[value][0] : nil
  }

  /// `true` iff every use of `value`, one at least, is as operand `position` and no other of an
  /// operation that `accepts`.
  func isRead(
    _ value: Value, onlyAsOperand position: Int, by accepts: (Node) -> Bool
  ) -> Bool {
    guard !isOutput[value], !users[value].isEmpty else { return false }
    return users[value].allSatisfy { user in
      let node = graph[user].node
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
