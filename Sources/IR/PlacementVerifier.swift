/// Checks the rules of the `planned` form: G6 to G8 of `Verifier`.
struct PlacementVerifier {
  private let graph: Graph
  private let constants: [Bool]
  private let users: [[Value]]
  /// The last node that reads a value, itself or through a view.
  private let lastReads: [Int]
  /// For each result, the values that lie in it: itself, and what it is a view of.
  private let parts: [Set<Int>]

  init(_ graph: Graph) {
    self.graph = graph
    constants = graph.constants()
    users = graph.users()
    var last = Array(graph.nodes.indices)
    for output in graph.outputs { last[output.value.index] = graph.nodes.count }
    for index in graph.nodes.indices.reversed() {
      for user in users[index] {
        let read = graph[user].op.isView ? last[user.index] : user.index
        last[index] = max(last[index], read)
      }
    }
    lastReads = last
    parts = graph.outputs.map { output in
      var part: Set = [output.value.index]
      for index in (0...output.value.index).reversed()
      where part.contains(index) && graph.nodes[index].op.isView {
        part.formUnion(graph.nodes[index].operands.map(\.index))
      }
      return part
    }
  }

  func violations() -> [(node: Int, message: String)] {
    var found: [(node: Int, message: String)] = []
    for index in graph.nodes.indices {
      if let message = rangeError(index) { found.append((index, message)) }
    }
    guard found.isEmpty else { return found }
    for index in graph.nodes.indices {
      for message in placementErrors(index) { found.append((index, message)) }
    }
    return found.isEmpty ? overwritten() : found
  }

  /// G7: rows that overlap each other, and numbers too big to compute with.
  private func rangeError(_ index: Int) -> String? {
    let node = graph.nodes[index]
    guard let placement = node.placement else { return nil }
    let columns = node.type.shape.last ?? 1
    let rows = node.type.count / columns
    guard 0...TensorType.maximumCount ~= placement.offsetBytes, placement.offsetBytes % 4 == 0
    else { return "[G7] \(placement.offsetBytes) is no multiple of 4 bytes" }
    guard placement.rowStride >= columns, placement.rowStride <= TensorType.maximumCount / rows
    else { return "[G7] rows of \(columns) cannot lie \(placement.rowStride) apart" }
    return nil
  }

  private func placementErrors(_ index: Int) -> [String] {
    let node = graph.nodes[index]
    let isRead = users[index].contains { !constants[$0.index] }
    let isWanted = !constants[index] || isRead
    guard let placement = node.placement else {
      return isWanted ? ["[G6] the value is not placed"] : []
    }
    guard isWanted else { return ["[G6] a constant that nothing reads at run time is placed"] }
    var errors: [String] = []
    let isInput = if case .input = node.op { true } else { false }
    switch placement.space {
    case .image where !isInput: errors.append("[G7] only inputs lie in the image")
    case .weights where !constants[index]: errors.append("[G7] only constants lie in the weights")
    case .arena where isInput || constants[index], .output where isInput || constants[index]:
      errors.append("[G7] inputs lie in the image and constants in the weights")
    case .output(let number):
      let isResult =
        graph.outputs.indices.contains(number) && parts[number].contains(index)
      if !isResult { errors.append("[G7] the value is not result \(number)") }
      if users[index].contains(where: { !graph[$0].op.isView }) {
        errors.append("[G7] a result's buffer is read")
      }
    case .arena, .image, .weights: break
    }
    return constants[index] ? errors : errors + viewErrors(node, placement)
  }

  private func viewErrors(_ node: Node, _ placement: Placement) -> [String] {
    func place(_ operand: Int) -> Placement? { graph[node.operands[operand]].placement }
    switch node.op {
    case .slice(let slice):
      guard let whole = place(0) else { return [] }
      let x = graph[node.operands[0]].type
      let step = slice.axis == x.rank - 1 ? 1 : whole.rowStride
      guard slice.axis >= x.rank - 2, x.rank <= 2 || slice.axis == 0 else {
        return ["[G7] only rows and columns can be views"]
      }
      let expected = Placement(
        whole.space, offsetBytes: whole.offsetBytes + x.element.sizeBytes * slice.start * step,
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
    case .concatenate(let join):
      var errors: [String] = []
      var start = 0
      for (index, operand) in node.operands.enumerated() {
        let type = graph[operand].type
        let step = join.axis == type.rank - 1 ? 1 : placement.rowStride
        let expected = Placement(
          placement.space,
          offsetBytes: placement.offsetBytes + type.element.sizeBytes * start * step,
          rowStride: placement.rowStride)
        if let found = graph[operand].placement, found != expected {
          errors.append("[G7] operand \(index) lies at \(found), not \(expected)")
        }
        start += type.shape[join.axis]
      }
      return errors
    default: return []
    }
  }

  /// G8: what is written while something else that lies there is still to be read.
  private func overwritten() -> [(node: Int, message: String)] {
    var found: [(node: Int, message: String)] = []
    let placed = graph.nodes.indices.filter { index in
      switch graph.nodes[index].placement?.space {
      case .arena, .output: true
      case .weights, .image, nil: false
      }
    }
    for writer in placed where !graph.nodes[writer].op.isView {
      let node = graph.nodes[writer]
      for (position, operand) in node.operands.enumerated() {
        let sharesPlace = node.placement == graph[operand].placement
        if overlap(writer, operand.index), !(sharesPlace && node.op.mayOverwrite(position)) {
          found.append((writer, "[G8] overwrites its operand %\(graph[operand].name)"))
        }
      }
      for other in placed
      where other < writer && lastReads[other] > writer && overlap(writer, other) {
        let name = graph.nodes[other].name
        found.append((writer, "[G8] overwrites %\(name), which is still to be read"))
      }
    }
    return found
  }

  /// `true` iff two values have an element in the same place.
  private func overlap(_ a: Int, _ b: Int) -> Bool {
    let (x, y) = (graph.nodes[a], graph.nodes[b])
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

extension Op {
  /// `true` iff the result may lie exactly where operand `position` does, since each element is
  /// read before it is written and by nobody else.
  public func mayOverwrite(_ position: Int) -> Bool {
    switch self {
    case .contraction(let op): op.residualIndex == position
    case .convolution(let op): op.residualIndex == position
    case .winogradConvolution(let op): op.residualIndex == position
    case .normalize: position == 0 || position == 2
    case .add, .multiply: true
    case .scale, .activation, .layerNorm, .groupNorm, .softmax: position == 0
    case .input, .weight, .fill, .patchEmbed, .extractPatches, .resizePositionEmbedding,
      .concatenate, .slice, .reshape, .transpose, .center, .linear, .matMul, .splitHeads,
      .mergeHeads, .swiGLU, .meanRows, .conv2d, .standardizeWeight, .maxPool, .copy, .pack,
      .winogradWeight,
      .attention, .moments, .normFactors, .round, .quantize, .channelFactors, .rotate,
      .diagonal:
      false
    }
  }
}
