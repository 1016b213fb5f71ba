import IR

/// Where the constants of several planned graphs of one model lie in one blob of weights.
///
/// The graphs are those of one model for images of several sizes: most of their constants are
/// computed from the same tensors by the same operations. Those are stored once. What makes two
/// constants one is how they are computed, not their bytes: so it is known before anything is read.
///
/// The first graph keeps its places, so that a blob begins with that of the first graph alone.
public struct SharedWeights {
  /// A computation: an operation over computations.
  private struct Computation: Hashable {
    let op: Op
    let operands: [Operand]
  }

  /// A result of a computation, by its number.
  private struct Operand: Hashable {
    let number: Int
    let result: Int
  }

  /// A constant in the blob.
  private struct Place: Hashable {
    let offsetBytes: Int
    let rowStride: Int
  }

  private var numbers: [Computation: Int] = [:]
  private var places: [Operand: [Place]] = [:]
  /// The size of the blob, a multiple of 64 bytes.
  public private(set) var bytes = 0

  /// Creates an empty blob.
  public init() {}

  /// Places a graph's constants.
  ///
  /// - Parameter graph: in the planned form, with its constants placed for it alone.
  /// - Returns: the graph with its constants where they lie in the blob, and those of them that no
  ///   graph before had.
  public mutating func place(_ graph: Graph) -> (graph: Graph, added: Set<Value>) {
    let isFirst = bytes == 0
    let operands = number(graph)
    var placements = ValueTable<Placement?>(graph, repeating: nil)
    for value in graph.values { placements[value] = graph[value].placement }
    // A graph may compute a constant twice: each has a place of its own there.
    var seen: [Operand: Int] = [:]
    var added: Set<Value> = []
    let constants = graph.values.filter { graph[$0].placement?.space == .weights }
    // In the order in which they lie: the panels of one step after the other.
    let inOrder = constants.sorted {
      (graph[$0].placement?.offsetBytes ?? 0, $0.index)
        < (graph[$1].placement?.offsetBytes ?? 0, $1.index)
    }
    for value in inOrder {
      guard var placement = placements[value], let operand = operands[value] else { continue }
      let occurrence = seen[operand, default: 0]
      seen[operand] = occurrence + 1
      let known = places[operand] ?? []
      if occurrence < known.count, known[occurrence].rowStride == placement.rowStride {
        placement.offsetBytes = known[occurrence].offsetBytes
      } else {
        if !isFirst { placement.offsetBytes = bytes }
        places[operand, default: []].append(
          Place(offsetBytes: placement.offsetBytes, rowStride: placement.rowStride))
        let end = placement.offsetBytes + placement.extentBytes(of: graph[value].type)
        bytes = max(bytes, ArenaPacking.aligned(end))
        added.insert(value)
      }
      placements[value] = placement
    }
    return (graph.placed(graph.values.map { placements[$0] }), added)
  }

  /// The computation of each constant.
  private mutating func number(_ graph: Graph) -> [Value: Operand] {
    let constants = graph.constants()
    var operands: [Value: Operand] = [:]
    for (index, node) in graph.nodes.enumerated() where constants[index] {
      let computation = Computation(
        op: node.op, operands: node.operands.compactMap { operands[$0] })
      let number = numbers[computation] ?? numbers.count
      numbers[computation] = number
      for value in graph.results(of: index) {
        operands[value] = Operand(number: number, result: value.result)
      }
    }
    return operands
  }
}
