import Diagnostics

/// Maps an old graph to a new one under a rule, node by node.
///
/// A rule matches patterns in the *old* graph and appends to the *new* one. What it replaced and
/// nobody reads any more is dropped at the end, so there is no separate dead-code pass.
public struct GraphRewriter: Sendable {
  /// The graph being rewritten.
  public let source: Graph
  /// How often each value of the old graph is read, results of the graph included.
  public let useCounts: ValueTable<Int>
  /// For each node of the old graph, by its index: `true` iff its results are functions of weights
  /// only.
  public let constants: [Bool]
  /// The first result of the node of the old graph whose turn it is.
  public fileprivate(set) var current = Value(0)
  private var builder: GraphBuilder
  private var mapping: ValueTable<Value?>

  fileprivate init(_ source: Graph, form: Form) {
    self.source = source
    var counts = ValueTable(source, repeating: 0)
    for operand in source.nodes.flatMap(\.operands) { counts[operand] += 1 }
    for output in source.outputs { counts[output.value] += 1 }
    useCounts = counts
    constants = source.constants()
    builder = GraphBuilder(name: source.name, form: form)
    mapping = ValueTable(source, repeating: nil)
  }

  /// The value of the new graph that stands for `old`.
  public subscript(old: Value) -> Value {
    guard let new = mapping[old] else {
      preconditionFailure("%\(source[old].name) is read before it is made")
    }
    return new
  }

  /// The values of the new graph that stand for `old`.
  public subscript(old: [Value]) -> [Value] { old.map { self[$0] } }

  /// The definition of a value of the new graph.
  public func node(_ new: Value) -> Definition { builder[new] }

  /// The type of a value of the new graph.
  public func type(_ new: Value) -> TensorType { builder.type(new) }

  /// The old node that makes `old`, if that is its only use, it is not a result of the graph, and
  /// the node makes nothing else.
  public func soleProducer(of old: Value) -> Node? {
    let node = source[old].node
    return useCounts[old] == 1 && node.results.count == 1 ? node : nil
  }

  /// Appends to the new graph and returns the first result.
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
    precondition(constants[old.index], "%\(source[old].name) is not a constant")
    var missing: Set<Value> = []
    var pending = [old]
    while let value = pending.popLast() {
      let first = value.sibling(0)
      guard mapping[first] == nil, missing.insert(first).inserted else { continue }
      pending += source[first].operands
    }
    for value in missing.sorted() { try copy(value.index) }
    return self[old]
  }

  fileprivate func isMapped(_ old: Value) -> Bool { mapping[old] != nil }

  /// Copies the node of an index of the old graph.
  fileprivate mutating func copy(_ index: Int) throws(Diagnostic) {
    let node = source.nodes[index]
    let new = try builder.append(copyOf: node, self[node.operands])
    for old in source.results(of: index) { mapping[old] = new[old.result] }
  }

  /// Lets `new` stand for `old` in what is appended from now on, results of the graph included.
  public mutating func replace(_ old: Value, by new: Value) { mapping[old] = new }

  /// Lets `new` stand for the first result of an old node, and those after it for the others.
  fileprivate mutating func map(_ index: Int, to new: Value) throws(Diagnostic) {
    for old in source.results(of: index) {
      let result = new.result + old.result
      if result < builder[new].results.count {
        mapping[old] = new.sibling(result)
      } else if useCounts[old] > 0, mapping[old] == nil {
        throw Diagnostic(
          "the rewritten node has no result in its place", at: .node(source[old].name))
      }
    }
  }

  fileprivate func finish() throws(Diagnostic) -> Graph {
    var builder = builder
    for output in source.outputs { builder.addOutput(output.name, self[output.value]) }
    return try builder.graph.removingDeadNodes()
  }
}

extension Graph {
  /// Returns this graph with each node for which `rule` answers a value replaced by that value;
  /// where the node has more results, those after the answered one replace them, in order.
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
    for (index, node) in nodes.enumerated() where !rewriter.isMapped(Value(index)) {
      rewriter.current = Value(index)
      if rewrites < limit, let new = try rule(node, &rewriter) {
        try rewriter.map(index, to: new)
        rewrites += 1
      } else {
        try rewriter.copy(index)
      }
    }
    return (try rewriter.finish(), rewrites)
  }

  /// Returns this graph without the nodes that no result of it depends on; inputs always stay.
  public func removingDeadNodes() throws(Diagnostic) -> Graph {
    var live = Array(repeating: false, count: nodes.count)
    for output in outputs { live[output.value.index] = true }
    for index in nodes.indices.reversed() {
      if nodes[index].op.execution == .input { live[index] = true }
      guard live[index] else { continue }
      for operand in nodes[index].operands { live[operand.index] = true }
    }
    var builder = GraphBuilder(name: name, form: form)
    var mapping = ValueTable<Value?>(self, repeating: nil)
    for (index, node) in nodes.enumerated() where live[index] {
      let new = try builder.append(copyOf: node, node.operands.compactMap { mapping[$0] })
      for old in results(of: index) { mapping[old] = new[old.result] }
    }
    for output in outputs {
      if let value = mapping[output.value] { builder.addOutput(output.name, value) }
    }
    return builder.graph
  }
}
