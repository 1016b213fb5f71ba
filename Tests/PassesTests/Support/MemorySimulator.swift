import IR

/// Executes a planned graph in the memory that it plans: every operand is read from its place and
/// every result written to its place, so that an overlap of live values shows as a wrong result.
struct MemorySimulator {
  private var arena: [Float] = []
  private var weights: [Float] = []
  private var outputs: [[Float]] = []
  private let image: Tensor

  init(image: Tensor) { self.image = image }

  /// The results of `graph`, by name; memory starts as NaN.
  mutating func results(_ graph: Graph, arenaBytes: Int, weightsBytes: Int) -> [String: Tensor] {
    arena = Array(repeating: .nan, count: arenaBytes / 4)
    weights = Array(repeating: .nan, count: weightsBytes / 4)
    outputs = graph.outputs.map { Array(repeating: .nan, count: graph[$0.value].type.count) }
    let constants = graph.constants()
    let values = Reference.values(graph)
    for (index, node) in graph.nodes.enumerated() where constants[index] {
      if let placement = node.placement { write(values[index], placement) }
    }
    for (index, node) in graph.nodes.enumerated() where !constants[index] && !node.op.isView {
      guard let placement = node.placement else { continue }
      if case .input = node.op { continue }
      let operands = node.operands.map { read(graph[$0]) }
      write(node.op.evaluate(operands), placement)
    }
    return Dictionary(
      uniqueKeysWithValues: graph.outputs.enumerated().map {
        ($1.name, Tensor(shape: graph[$1.value].type.shape, values: outputs[$0]))
      })
  }

  private func read(_ node: Node) -> Tensor {
    guard let placement = node.placement else {
      return Tensor(shape: node.type.shape, repeating: .nan)
    }
    var tensor = Tensor(shape: node.type.shape)
    for row in 0..<tensor.rows {
      for column in 0..<tensor.columns {
        let place = placement.offsetBytes / 4 + row * placement.rowStride + column
        let value: Float
        switch placement.space {
        case .weights: value = weights[place]
        case .arena: value = arena[place]
        case .image: value = image.values[place]
        case .output(let number): value = outputs[number][place]
        }
        tensor.values[row * tensor.columns + column] = value
      }
    }
    return tensor
  }

  private mutating func write(_ tensor: Tensor, _ placement: Placement) {
    for row in 0..<tensor.rows {
      for column in 0..<tensor.columns {
        let place = placement.offsetBytes / 4 + row * placement.rowStride + column
        let value = tensor.values[row * tensor.columns + column]
        switch placement.space {
        case .weights: weights[place] = value
        case .arena: arena[place] = value
        case .image: break
        case .output(let number): outputs[number][place] = value
        }
      }
    }
  }
}
