/// A reference to one result of one node; meaningful within one graph only.
public struct Value: Hashable, Sendable, Comparable {
  /// The index of the node in its graph.
  public let index: Int
  /// Which of the node's results it is; 0 for all but a few operations.
  public let result: Int

  init(_ index: Int, result: Int = 0) {
    self.index = index
    self.result = result
  }

  /// Another result of the same node.
  public func sibling(_ result: Int) -> Value { Value(index, result: result) }

  /// Values are ordered as their nodes, and the results of one node as it lists them.
  public static func < (a: Value, b: Value) -> Bool {
    (a.index, a.result) < (b.index, b.result)
  }
}

/// Something about each value of one graph.
public struct ValueTable<Element> {
  /// For each node, the number of values before its own.
  private let starts: [Int]
  private var elements: [Element]

  /// Creates a table with the same element for all values of `graph`.
  public init(_ graph: Graph, repeating element: Element) {
    var starts: [Int] = []
    starts.reserveCapacity(graph.nodes.count)
    var count = 0
    for node in graph.nodes {
      starts.append(count)
      count += node.results.count
    }
    self.starts = starts
    elements = Array(repeating: element, count: count)
  }

  /// The entry of `value`.
  public subscript(value: Value) -> Element {
    get { elements[starts[value.index] + value.result] }
    set { elements[starts[value.index] + value.result] = newValue }
  }
}

extension ValueTable: Sendable where Element: Sendable {}
