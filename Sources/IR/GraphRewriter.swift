import Diagnostics

/// Maps an old graph to a new one under a rule, node by node.
///
/// A rule matches patterns in the *old* graph and appends to the *new* one. What it replaced and
/// nobody reads any more is dropped at the end, so there is no separate dead-code pass.
public struct GraphRewriter: Sendable {
  /// The graph being rewritten.
  public let source: Graph
  /// How often each value of the old graph is read, results of the graph included.
  public let useCounts: [Int]
  /// For each value of the old graph: `true` iff it is a function of weights only.
  public let constants: [Bool]
  /// The value of the old graph whose turn it is.
  public fileprivate(set) var current = Value(0)
  private var builder: GraphBuilder
  private var mapping: [Value?]

  fileprivate init(_ source: Graph, form: Form) {
    self.source = source
    var counts = source.users().map(\.count)
    for output in source.outputs { counts[output.value.index] += 1 }
    useCounts = counts
    constants = source.constants()
    builder = GraphBuilder(name: source.name, form: form)
    mapping = Array(repeating: nil, count: source.nodes.count)
  }

  /// The value of the new graph that stands for `old`.
  public subscript(old: Value) -> Value {
    guard let new = mapping[old.index] else {
      preconditionFailure("%\(source[old].name) is read before it is made")
    }
    return new
  }

  /// The values of the new graph that stand for `old`.
  public subscript(old: [Value]) -> [Value] { old.map { self[$0] } }

  /// The node of the new graph that makes `new`.
  public func node(_ new: Value) -> Node { builder[new] }

  /// The type of a value of the new graph.
  public func type(_ new: Value) -> TensorType { builder.type(new) }

  /// The old node that makes `old`, if that is its only use and it is no result of the graph.
  public func soleProducer(of old: Value) -> Node? {
    useCounts[old.index] == 1 ? source[old] : nil
  }

  /// Appends to the new graph.
  ///
  /// - Throws: the violated constraint of the operation.
  public mutating func append(
    _ op: Op, _ operands: [Value] = [], name: String
  ) throws(Diagnostic) -> Value {
    try builder.append(op, operands, name: name)
  }

  /// Returns the new value of a constant of the old graph whose turn may not have come yet: it and
  /// what it depends on are copied now, past the rule.
  ///
  /// - Throws: violated constraints.
  public mutating func constant(_ old: Value) throws(Diagnostic) -> Value {
    precondition(constants[old.index], "%\(source[old].name) is no constant")
    var missing: Set<Value> = []
    var pending = [old]
    while let value = pending.popLast() {
      guard mapping[value.index] == nil, missing.insert(value).inserted else { continue }
      pending += source[value].operands
    }
    for value in missing.sorted() { map(value, to: try copy(source[value])) }
    return self[old]
  }

  fileprivate func isMapped(_ old: Value) -> Bool { mapping[old.index] != nil }

  fileprivate mutating func copy(_ node: Node) throws(Diagnostic) -> Value {
    try builder.append(node.op, self[node.operands], name: node.name, placement: node.placement)
  }

  fileprivate mutating func map(_ old: Value, to new: Value) { mapping[old.index] = new }

  fileprivate func finish() throws(Diagnostic) -> Graph {
    var builder = builder
    for output in source.outputs { builder.addOutput(output.name, self[output.value]) }
    return try builder.graph.removingDeadNodes()
  }
}

extension Graph {
  /// Returns this graph with each node for which `rule` answers a value replaced by that value.
  ///
  /// The rule sees a node of the old graph and answers a value of the new one, or `nil` to keep the
  /// node as it is. It answers at most `limit` times; after that nodes are kept, which lets a
  /// miscompilation be bisected.
  ///
  /// - Throws: what the rule throws, and violated constraints.
  public func rewriting(
    form: Form? = nil, limit: Int = .max,
    _ rule: (Node, inout GraphRewriter) throws(Diagnostic) -> Value?
  ) throws(Diagnostic) -> (graph: Graph, rewrites: Int) {
    var rewriter = GraphRewriter(self, form: form ?? self.form)
    var rewrites = 0
    for value in values where !rewriter.isMapped(value) {
      let node = self[value]
      rewriter.current = value
      if rewrites < limit, let new = try rule(node, &rewriter) {
        rewriter.map(value, to: new)
        rewrites += 1
      } else {
        rewriter.map(value, to: try rewriter.copy(node))
      }
    }
    return (try rewriter.finish(), rewrites)
  }

  /// Returns this graph without the nodes that no result depends on; inputs always stay.
  public func removingDeadNodes() throws(Diagnostic) -> Graph {
    var live = Array(repeating: false, count: nodes.count)
    for output in outputs { live[output.value.index] = true }
    for index in nodes.indices.reversed() {
      if case .input = nodes[index].op { live[index] = true }
      guard live[index] else { continue }
      for operand in nodes[index].operands { live[operand.index] = true }
    }
    var builder = GraphBuilder(name: name, form: form)
    var mapping: [Value?] = Array(repeating: nil, count: nodes.count)
    for (index, node) in nodes.enumerated() where live[index] {
      mapping[index] = try builder.append(
        node.op, node.operands.compactMap { mapping[$0.index] }, name: node.name,
        placement: node.placement)
    }
    for output in outputs {
      if let value = mapping[output.value.index] { builder.addOutput(output.name, value) }
    }
    return builder.graph
  }
}
