import IR

/// Which values share memory, and how long it is in use.
struct BufferAssignment {
  /// A piece of memory that some values share.
  struct Buffer {
    /// Where it is.
    var space: Placement.Space
    /// Its size.
    var sizeBytes: Int
    /// The nodes from its first write to its last read.
    var live: ClosedRange<Int>
    /// `true` iff the planner places it.
    var isArena: Bool { space == .arena }
  }

  /// The place of a value in its buffer.
  struct Slot {
    var buffer: Int
    var offsetBytes: Int
    var rowStride: Int
  }

  /// All pieces of memory but the weights.
  private(set) var buffers: [Buffer] = []
  /// The place of each value; `nil` for constants, and for further results that nobody reads.
  private(set) var slots: ValueTable<Slot?>

  private let graph: Graph
  private let facts: GraphFacts
  /// The number of the result that a value is computed in.
  private var results: [Value: Int] = [:]
  /// The values in each buffer.
  private var members: [[Value]] = []

  /// Assigns memory to a graph whose copies have been inserted.
  init(_ graph: Graph) {
    self.graph = graph
    facts = GraphFacts(graph)
    slots = ValueTable(graph, repeating: nil)
    let wanted = graph.wanted()
    for (number, output) in graph.outputs.enumerated() {
      if let root = graph.resultRoot(of: output.value) { results[root] = number }
    }
    placeConcatenations()
    for value in graph.values where !facts.isConstant(value) && slots[value] == nil {
      if value.result == 0 || wanted[value] { place(value) }
    }
    findLifetimes()
  }

  /// Puts operands of concatenations inside the result, outer ones first.
  private mutating func placeConcatenations() {
    for value in graph.values.reversed() where !facts.isConstant(value) {
      guard case .view(.concatenate(let axis)) = graph[value].op.execution else { continue }
      let whole = slots[value] ?? newSlot(value)
      if slots[value] == nil { put(value, whole) }
      let step = axis == graph[value].type.rank - 1 ? 1 : whole.rowStride
      var start = 0
      for operand in graph[value].operands {
        var part = whole
        part.offsetBytes += graph[operand].type.element.sizeBytes * start * step
        put(operand, part)
        start += graph[operand].type.shape[axis]
      }
    }
  }

  private mutating func place(_ value: Value) {
    put(
      value,
      viewSlot(value) ?? overwritable(by: value).flatMap { slots[$0] } ?? newSlot(value))
  }

  /// The place of a view within its operand; `nil` for everything else.
  private func viewSlot(_ value: Value) -> Slot? {
    let node = graph[value]
    guard case .view(let view) = node.op.execution, let operand = node.operands.first,
      var slot = slots[operand]
    else { return nil }
    switch view {
    case .slice(let axis, let start):
      let step = axis == node.type.rank - 1 ? 1 : slot.rowStride
      slot.offsetBytes += node.type.element.sizeBytes * start * step
    case .reshape:
      if node.type != graph[operand].type { slot.rowStride = node.type.shape.last ?? 1 }
    case .concatenate: return nil
    }
    return slot
  }

  /// The operand that `value` may be written over: of its type, and with nothing in its buffer that
  /// is read again, or read by `value` in any other way.
  private func overwritable(by value: Value) -> Value? {
    let node = graph[value]
    guard results[value] == nil, value.result == 0 else { return nil }
    for position in graph.facts(of: node.node).inPlace {
      let operand = node.operands[position]
      guard graph[operand].type == node.type, let slot = slots[operand],
        buffers[slot.buffer].isArena
      else { continue }
      let isFree = members[slot.buffer].allSatisfy { member in
        facts.users[member].allSatisfy { user in
          user.index < value.index || (user == value && member == operand)
        }
      }
      if isFree, node.operands.count(where: { $0 == operand }) == 1 { return operand }
    }
    return nil
  }

  /// A new buffer for the whole of `value`.
  private mutating func newSlot(_ value: Value) -> Slot {
    let type = graph[value].type
    let space: Placement.Space =
      graph[value].op.execution == .input
      ? .image : results[value].map { .output($0) } ?? .arena
    // Only a copy made for it is reshaped across rows, so its rows must follow each other.
    let isReshaped = facts.users[value].contains {
      graph[$0].op.execution == .view(.reshape) && graph[$0].type != type
    }
    let columns = type.shape.last ?? 1
    let rowStride =
      space == .arena && type.rank == 2 && !(isReshaped && type.shape[0] > 1)
      ? RowStride.padded(columns: columns, rows: type.shape[0], element: type.element) : columns
    let rows = columns == 0 ? 0 : type.count / columns
    buffers.append(
      Buffer(
        space: space, sizeBytes: rows * rowStride * type.element.sizeBytes,
        live: value.index...value.index))
    members.append([])
    return Slot(buffer: buffers.count - 1, offsetBytes: 0, rowStride: rowStride)
  }

  private mutating func put(_ value: Value, _ slot: Slot) {
    slots[value] = slot
    members[slot.buffer].append(value)
  }

  private mutating func findLifetimes() {
    for (buffer, values) in members.enumerated() {
      var (first, last) = (Int.max, 0)
      for value in values {
        first = min(first, value.index)
        last = max(last, value.index, facts.users[value].map(\.index).max() ?? 0)
      }
      buffers[buffer].live = min(first, last)...last
    }
  }
}

/// How far rows of activations are apart.
enum RowStride {
  /// The bytes of a cache line.
  static let lineBytes = 64

  /// Returns the distance between rows of `columns` elements.
  ///
  /// It is whole cache lines, one of them padding, and never a multiple of 4 KB, where the rows of
  /// a tile would compete for the same few sets of the first-level cache. A single row is not
  /// padded.
  static func padded(columns: Int, rows: Int, element: ElementType = .f32) -> Int {
    let line = lineBytes / element.sizeBytes
    let whole = (columns + line - 1) / line * line
    guard rows > 1 else { return whole }
    let padded = whole + line
    return padded * element.sizeBytes % 4096 == 0 ? padded + line : padded
  }
}
