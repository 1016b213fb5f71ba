/// A tensor program: nodes in topological order, and the named values that it returns.
///
/// A graph is a value: passes make new graphs and never edit one in place.
public struct Graph: Hashable, Sendable {
  /// A named result.
  public struct Output: Hashable, Sendable {
    /// What the caller knows it by: `logits`, `features`, `tokens`.
    public var name: String
    /// The value returned.
    public var value: Value

    /// Creates an output.
    public init(name: String, value: Value) {
      self.name = name
      self.value = value
    }
  }

  /// The name of the program.
  public var name: String
  /// What it promises.
  public var form: Form
  /// The operations; operands always precede their users.
  public internal(set) var nodes: [Node]
  /// The results, in order.
  public internal(set) var outputs: [Output]

  /// Creates an empty graph.
  public init(name: String, form: Form) {
    self.name = name
    self.form = form
    self.nodes = []
    self.outputs = []
  }

  /// The definition of `value`.
  public subscript(value: Value) -> Definition {
    Definition(node: nodes[value.index], result: value.result)
  }

  /// All values, in order.
  public var values: [Value] { nodes.indices.flatMap(results) }

  /// The first result of each node, in order: how transformations walk over nodes.
  public var firstResults: [Value] { nodes.indices.map { Value($0) } }

  /// All results of the node of an index.
  public func results(of index: Int) -> [Value] {
    nodes[index].results.indices.map { Value(index, result: $0) }
  }

  /// Returns the value of a name, or `nil`.
  public func value(named name: String) -> Value? {
    for (index, node) in nodes.enumerated() {
      if let result = node.results.firstIndex(where: { $0.name == name }) {
        return Value(index, result: result)
      }
    }
    return nil
  }

  /// The users of each value, each user by its first result: users appear once for each operand
  /// they take it as; returns as outputs do not count.
  public func users() -> ValueTable<[Value]> {
    var users = ValueTable<[Value]>(self, repeating: [])
    for (index, node) in nodes.enumerated() {
      for operand in node.operands { users[operand].append(Value(index)) }
    }
    return users
  }

  /// For each value: `true` iff a node reads it or the graph returns it.
  public func wanted() -> ValueTable<Bool> {
    var wanted = ValueTable(self, repeating: false)
    for node in nodes {
      for operand in node.operands { wanted[operand] = true }
    }
    for output in outputs { wanted[output.value] = true }
    return wanted
  }

  /// For each node, by its index: `true` iff its results are functions of weights only, to be
  /// computed at compile time.
  public func constants() -> [Bool] {
    var constant: [Bool] = []
    constant.reserveCapacity(nodes.count)
    for node in nodes {
      switch node.op.execution {
      case .input, .kernelAlways: constant.append(false)
      case .evaluated, .kernel, .view:
        constant.append(node.operands.allSatisfy { constant[$0.index] })
      }
    }
    return constant
  }

  /// Returns the same graph in the planned form, with other placements: one for each value, in
  /// order.
  public func placed(_ placements: [Placement?]) -> Graph {
    var copy = self
    copy.form = .planned
    for (value, placement) in zip(values, placements) {
      copy.nodes[value.index].results[value.result].placement = placement
    }
    return copy
  }
}
