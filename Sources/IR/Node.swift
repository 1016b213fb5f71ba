/// One operation of a graph and its results.
public struct Node: Hashable, Sendable {
  /// One value that a node makes.
  public struct Result: Hashable, Sendable {
    /// Unique in its graph; the path in the source model, such as `blocks.3.attn.q`.
    public var name: String
    /// Exactly what the operation infers.
    public var type: TensorType
    /// Where it lives; set in the planned form only, and for what is read there.
    public var placement: Placement?

    /// Creates a result.
    public init(name: String, type: TensorType, placement: Placement? = nil) {
      self.name = name
      self.type = type
      self.placement = placement
    }
  }

  /// What it does.
  public var op: Op
  /// What it reads; all come before it in the graph.
  public var operands: [Value]
  /// What it makes: at least one value, for most operations one.
  public internal(set) var results: [Result]

  init(_ op: Op, _ operands: [Value], results: [Result]) {
    precondition(!results.isEmpty, "'\(op.mnemonic)' makes nothing")
    self.op = op
    self.operands = operands
    self.results = results
  }

  /// The name of the first result, and of the node.
  public var name: String { results[0].name }
  /// The type of the first result.
  public var type: TensorType { results[0].type }
  /// Where the first result lives.
  public var placement: Placement? { results[0].placement }
}

/// A value as it is defined: one result of a node and, through it, the node.
@dynamicMemberLookup
public struct Definition: Hashable, Sendable {
  /// The node that makes the value.
  public let node: Node
  /// Which of the node's results the value is.
  public let result: Int

  /// The name of the value.
  public var name: String { node.results[result].name }
  /// The type of the value.
  public var type: TensorType { node.results[result].type }
  /// Where the value lives; set in the planned form only.
  public var placement: Placement? { node.results[result].placement }

  /// What the node says: its operation, its operands.
  public subscript<T>(dynamicMember member: KeyPath<Node, T>) -> T { node[keyPath: member] }
}
