import Diagnostics

/// The only way to make a graph: appends nodes, infers their types, keeps their names unique.
public struct GraphBuilder: Sendable {
  /// The graph so far.
  public private(set) var graph: Graph
  private var names: Set<String> = []

  /// Starts an empty graph.
  public init(name: String, form: Form) {
    graph = Graph(name: name, form: form)
  }

  /// The definition of `value`.
  public subscript(value: Value) -> Definition { graph[value] }

  /// The type of `value`.
  public func type(_ value: Value) -> TensorType { graph[value].type }

  /// Appends an operation and returns its first result.
  ///
  /// Where `name` is taken, a number is added to it. Further results are named as the operation
  /// names them, such as `NAME.moments`.
  ///
  /// - Throws: the violated constraint of the operation, located at the node.
  public mutating func append(
    _ op: Op, _ operands: [Value] = [], name: String, placement: Placement? = nil
  ) throws(Diagnostic) -> Value {
    let others = op.furtherResults.map { "\(name).\($0)" }
    return try append(
      op, operands, names: [name] + others,
      placements: [placement] + others.map { _ in nil })[0]
  }

  /// Appends an operation and returns its results.
  ///
  /// - Parameters:
  ///   - names: one for each result; where one is taken, a number is added to it.
  ///   - placements: one for each result.
  /// - Throws: the violated constraint of the operation, located at the node; another number of
  ///   names than of results.
  public mutating func append(
    _ op: Op, _ operands: [Value], names: [String], placements: [Placement?]
  ) throws(Diagnostic) -> [Value] {
    let types: [TensorType]
    do throws(Diagnostic) {
      types = try op.resultTypes(of: operands.map { graph[$0].type })
      guard names.count == types.count else {
        throw Diagnostic(
          "[\(op.mnemonic)] expected names of \(types.count) "
            + "result\(types.count == 1 ? "" : "s"), found \(names.count)")
      }
    } catch {
      var located = error
      if located.location == nil, let name = names.first { located.location = .node(name) }
      throw located
    }
    var results: [Node.Result] = []
    for (index, type) in types.enumerated() {
      let unique = uniqueName(names[index])
      self.names.insert(unique)
      results.append(Node.Result(name: unique, type: type, placement: placements[index]))
    }
    graph.nodes.append(Node(op, operands, results: results))
    return graph.results(of: graph.nodes.count - 1)
  }

  /// Appends the operation of a node of another graph, with its names and placements.
  ///
  /// - Throws: the violated constraint of the operation, located at the node.
  mutating func append(
    copyOf node: Node, _ operands: [Value]
  ) throws(Diagnostic) -> [Value] {
    try append(
      node.op, operands, names: node.results.map(\.name),
      placements: node.results.map(\.placement))
  }

  /// Adds a named result.
  public mutating func addOutput(_ name: String, _ value: Value) {
    graph.outputs.append(Graph.Output(name: name, value: value))
  }

  /// `true` iff a value of this name exists.
  public func isTaken(_ name: String) -> Bool { names.contains(name) }

  private func uniqueName(_ name: String) -> String {
    guard names.contains(name) else { return name }
    var number = 1
    while names.contains("\(name)_\(number)") { number += 1 }
    return "\(name)_\(number)"
  }
}
