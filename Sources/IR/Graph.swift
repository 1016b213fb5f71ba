/// A reference to the result of one node; meaningful within one graph only.
public struct Value: Hashable, Sendable, Comparable {
  /// The index of the node in its graph.
  public let index: Int

  init(_ index: Int) { self.index = index }

  /// Values are ordered as their nodes.
  public static func < (a: Value, b: Value) -> Bool { a.index < b.index }
}

/// One operation of a graph and its result.
public struct Node: Hashable, Sendable {
  /// Unique in its graph; the path in the source model, such as `blocks.3.attn.q`.
  public var name: String
  /// What it does.
  public var op: Op
  /// What it reads; all stand before it in the graph.
  public var operands: [Value]
  /// The type of its result: exactly what the operation infers.
  public var type: TensorType
  /// Where its result lives; set in the planned form only.
  public var placement: Placement?
}

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

  /// The node that makes `value`.
  public subscript(value: Value) -> Node { nodes[value.index] }

  /// All values, in order.
  public var values: [Value] { nodes.indices.map(Value.init) }

  /// Returns the value of a name, or `nil`.
  public func value(named name: String) -> Value? {
    nodes.firstIndex { $0.name == name }.map(Value.init)
  }

  /// The users of each value, by its index: users appear once for each operand they take it as;
  /// returns as outputs do not count.
  public func users() -> [[Value]] {
    var users: [[Value]] = Array(repeating: [], count: nodes.count)
    for (index, node) in nodes.enumerated() {
      for operand in node.operands { users[operand.index].append(Value(index)) }
    }
    return users
  }

  /// For each value, by its index: `true` iff it is a function of weights only, to be computed at
  /// compile time; a `copy` is always done at run time.
  public func constants() -> [Bool] {
    var constant: [Bool] = []
    constant.reserveCapacity(nodes.count)
    for node in nodes {
      switch node.op {
      case .input, .copy: constant.append(false)
      default: constant.append(node.operands.allSatisfy { constant[$0.index] })
      }
    }
    return constant
  }

  /// Returns the same graph with other placements, by value index, in the planned form.
  public func placed(_ placements: [Placement?]) -> Graph {
    var copy = self
    copy.form = .planned
    for index in copy.nodes.indices { copy.nodes[index].placement = placements[index] }
    return copy
  }
}
