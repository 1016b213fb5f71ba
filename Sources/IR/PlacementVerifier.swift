/// Checks the rules of the `planned` form: G6 to G8 of `Verifier`.
struct PlacementVerifier {
  private let graph: Graph
  private let constants: [Bool]
  private let users: ValueTable<[Value]>
  private let wanted: ValueTable<Bool>
  /// The last node that reads a value, itself or through a view.
  private let lastReads: ValueTable<Int>
  /// For each result, the values that lie in it: itself, and what it is a view of.
  private let parts: [Set<Value>]

  init(_ graph: Graph) {
    self.graph = graph
    constants = graph.constants()
    users = graph.users()
    wanted = graph.wanted()
    var last = ValueTable(graph, repeating: -1)
    for output in graph.outputs { last[output.value] = graph.nodes.count }
    for value in graph.values.reversed() {
      last[value] = max(last[value], value.index)
      for user in users[value] {
        let read = graph[user].op.isView ? last[user] : user.index
        last[value] = max(last[value], read)
      }
    }
    lastReads = last
    parts = graph.outputs.map { output in
      var part: Set = [output.value]
      for index in (0...output.value.index).reversed()
      where graph.nodes[index].op.isView && part.contains(Value(index)) {
        part.formUnion(graph.nodes[index].operands)
      }
      return part
    }
  }

  func violations() -> [(node: Int, message: String)] {
    var found: [(node: Int, message: String)] = []
    for value in graph.values {
      if let message = rangeError(value) { found.append((value.index, message)) }
    }
    guard found.isEmpty else { return found }
    for value in graph.values {
      for message in placementErrors(value) { found.append((value.index, message)) }
    }
    return found.isEmpty ? overwritten() : found
  }

  /// G7: rows that overlap each other, and numbers too big to compute with.
  private func rangeError(_ value: Value) -> String? {
    let definition = graph[value]
    guard let placement = definition.placement else { return nil }
    let columns = definition.type.shape.last ?? 1
    let rows = definition.type.count / columns
    guard 0...TensorType.maximumCount ~= placement.offsetBytes, placement.offsetBytes % 4 == 0
    else { return "[G7] \(placement.offsetBytes) is not a multiple of 4 bytes" }
    guard placement.rowStride >= columns, placement.rowStride <= TensorType.maximumCount / rows
    else { return "[G7] rows of \(columns) cannot lie \(placement.rowStride) apart" }
    return nil
  }

  private func placementErrors(_ value: Value) -> [String] {
    let definition = graph[value]
    let isConstant = constants[value.index]
    let isRead = users[value].contains { !constants[$0.index] }
    let isWanted = isConstant ? isRead : value.result == 0 || wanted[value]
    // The line shows which value is meant where it has one only.
    let what = value.result == 0 ? "the value" : "%\(definition.name)"
    guard let placement = definition.placement else {
      return isWanted ? ["[G6] \(what) is not placed"] : []
    }
    guard isWanted else {
      return [
        isConstant
          ? "[G6] a constant that nothing reads at run time is placed"
          : "[G6] \(what) is placed, and nothing reads it"
      ]
    }
    var errors: [String] = []
    let isInput = definition.op.execution == .input
    switch placement.space {
    case .image where !isInput: errors.append("[G7] only inputs lie in the image")
    case .weights where !isConstant: errors.append("[G7] only constants lie in the weights")
    case .arena where isInput || isConstant, .output where isInput || isConstant:
      errors.append("[G7] inputs lie in the image and constants in the weights")
    case .output(let number):
      let isResult =
        graph.outputs.indices.contains(number) && parts[number].contains(value)
      if !isResult { errors.append("[G7] \(what) is not result \(number)") }
      if users[value].contains(where: { !graph[$0].op.isView }) {
        errors.append("[G7] a result's buffer is read")
      }
    case .arena, .image, .weights: break
    }
    return isConstant ? errors : errors + viewErrors(definition.node, placement)
  }

  private func viewErrors(_ node: Node, _ placement: Placement) -> [String] {
    func place(_ operand: Int) -> Placement? { graph[node.operands[operand]].placement }
    guard case .view(let view) = node.op.execution else { return [] }
    switch view {
    case .slice(let axis, let start):
      guard let whole = place(0) else { return [] }
      let x = graph[node.operands[0]].type
      let step = axis == x.rank - 1 ? 1 : whole.rowStride
      guard axis >= x.rank - 2, x.rank <= 2 || axis == 0 else {
        return ["[G7] only rows and columns can be views"]
      }
      let expected = Placement(
        whole.space, offsetBytes: whole.offsetBytes + x.element.sizeBytes * start * step,
        rowStride: whole.rowStride)
      return expected == placement ? [] : ["[G7] a slice lies at \(placement), not \(expected)"]
    case .reshape:
      guard let whole = place(0) else { return [] }
      let columns = graph[node.operands[0]].type.shape.last ?? 1
      let isDense = whole.rowStride == columns || graph[node.operands[0]].type.count == columns
      let keepsRows = node.type.shape.last == columns && whole.rowStride == placement.rowStride
      let fits = isDense || keepsRows
      return fits && whole.space == placement.space && whole.offsetBytes == placement.offsetBytes
        ? [] : ["[G7] a reshape lies at \(placement), its operand at \(whole)"]
    case .concatenate(let axis):
      var errors: [String] = []
      var start = 0
      for (index, operand) in node.operands.enumerated() {
        let type = graph[operand].type
        let step = axis == type.rank - 1 ? 1 : placement.rowStride
        let expected = Placement(
          placement.space,
          offsetBytes: placement.offsetBytes + type.element.sizeBytes * start * step,
          rowStride: placement.rowStride)
        if let found = graph[operand].placement, found != expected {
          errors.append("[G7] operand \(index) lies at \(found), not \(expected)")
        }
        start += type.shape[axis]
      }
      return errors
    }
  }

  /// G8: what is written while something else that lies there is still to be read.
  private func overwritten() -> [(node: Int, message: String)] {
    var found: [(node: Int, message: String)] = []
    let placed = graph.values.filter { value in
      switch graph[value].placement?.space {
      case .arena, .output: true
      case .weights, .image, nil: false
      }
    }
    for writer in placed where !graph[writer].op.isView {
      let node = graph[writer].node
      // What an operation says about itself is about its first result.
      let inPlace = writer.result == 0 ? graph.facts(of: node).inPlace : []
      for (position, operand) in node.operands.enumerated() {
        let sharesPlace = node.placement == graph[operand].placement
        if overlap(writer, operand), !(sharesPlace && inPlace.contains(position)) {
          found.append((writer.index, "[G8] overwrites its operand %\(graph[operand].name)"))
        }
      }
      for other in placed where other < writer && overlap(writer, other) {
        if other.index == writer.index {
          found.append((writer.index, "[G8] two results lie in one place"))
        } else if lastReads[other] > writer.index {
          let message = "[G8] overwrites %\(graph[other].name), which is still to be read"
          found.append((writer.index, message))
        }
      }
    }
    return found
  }

  /// `true` iff two values have an element in the same place.
  private func overlap(_ a: Value, _ b: Value) -> Bool {
    let (x, y) = (graph[a], graph[b])
    guard let p = x.placement, let q = y.placement, p.space == q.space else { return false }
    let (pEnd, qEnd) = (
      p.offsetBytes + p.extentBytes(of: x.type), q.offsetBytes + q.extentBytes(of: y.type)
    )
    guard p.offsetBytes < qEnd, q.offsetBytes < pEnd else { return false }
    guard p.rowStride == q.rowStride, x.type.element == y.type.element else { return true }
    // Column ranges of one buffer: compare them modulo the stride.
    let stride = p.rowStride
    let distance = (q.offsetBytes - p.offsetBytes) / x.type.element.sizeBytes
    let shift = ((distance % stride) + stride) % stride
    let (columnsA, columnsB) = (x.type.shape.last ?? 1, y.type.shape.last ?? 1)
    return shift < columnsA || shift + columnsB > stride
  }
}
