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

  /// The node that makes `value`.
  public subscript(value: Value) -> Node { graph[value] }

  /// The type of `value`.
  public func type(_ value: Value) -> TensorType { graph[value].type }

  /// Appends an operation and returns its result.
  ///
  /// Where `name` is taken, a number is added to it.
  ///
  /// - Throws: the violated constraint of the operation, located at the node.
  public mutating func append(
    _ op: Op, _ operands: [Value] = [], name: String, placement: Placement? = nil
  ) throws(Diagnostic) -> Value {
    let type: TensorType
    do throws(Diagnostic) {
      type = try op.resultType(of: operands.map { graph[$0].type })
    } catch {
      var located = error
      if located.location == nil { located.location = .node(name) }
      throw located
    }
    let unique = uniqueName(name)
    names.insert(unique)
    graph.nodes.append(
      Node(name: unique, op: op, operands: operands, type: type, placement: placement))
    return Value(graph.nodes.count - 1)
  }

  /// Adds a named result.
  public mutating func addOutput(_ name: String, _ value: Value) {
    graph.outputs.append(Graph.Output(name: name, value: value))
  }

  /// `true` iff a node of this name exists.
  public func isTaken(_ name: String) -> Bool { names.contains(name) }

  private func uniqueName(_ name: String) -> String {
    guard names.contains(name) else { return name }
    var number = 1
    while names.contains("\(name)_\(number)") { number += 1 }
    return "\(name)_\(number)"
  }
}
