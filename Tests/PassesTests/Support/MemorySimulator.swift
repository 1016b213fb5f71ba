import IR

/// Executes a planned graph in the memory that it plans: every operand is read from its place and
/// every result written to its place, so that an overlap of live values shows as a wrong result.
struct MemorySimulator {
  private var arena: [UInt8] = []
  private var weights: [UInt8] = []
  private var outputs: [[Float]] = []
  private let image: Tensor

  init(image: Tensor) { self.image = image }

  /// The results of `graph`, by name; memory starts as NaN.
  mutating func results(_ graph: Graph, arenaBytes: Int, weightsBytes: Int) -> [String: Tensor] {
    arena = Array(repeating: 0xff, count: arenaBytes)
    weights = Array(repeating: 0xff, count: weightsBytes)
    outputs = graph.outputs.map { Array(repeating: .nan, count: graph[$0.value].type.count) }
    let constants = graph.constants()
    let values = Reference.values(graph)
    for (index, node) in graph.nodes.enumerated() where constants[index] {
      write(values[index], node)
    }
    for (index, node) in graph.nodes.enumerated() where !constants[index] && !node.op.isView {
      if case .input = node.op { continue }
      let operands = node.operands.map { read(graph[$0]) }
      write(node.op.evaluateAll(operands), node)
    }
    return Dictionary(
      uniqueKeysWithValues: graph.outputs.enumerated().map {
        ($1.name, Tensor(shape: graph[$1.value].type.shape, values: outputs[$0]))
      })
  }

  /// Writes the results of a node that have a place.
  private mutating func write(_ tensors: [Tensor], _ node: Node) {
    for (tensor, result) in zip(tensors, node.results) {
      if let placement = result.placement { write(tensor, placement) }
    }
  }

  private func read(_ node: Definition) -> Tensor {
    guard let placement = node.placement else {
      return Tensor(shape: node.type.shape, repeating: .nan)
    }
    var tensor = Tensor(shape: node.type.shape)
    for row in 0..<tensor.rows {
      for column in 0..<tensor.columns {
        let element = row * placement.rowStride + column
        let place = placement.offsetBytes / 4 + element
        let value: Float
        switch placement.space {
        case .weights: value = Self.load(weights, placement.offsetBytes, element, node.type.element)
        case .arena: value = Self.load(arena, placement.offsetBytes, element, node.type.element)
        case .image: value = image.values[place]
        case .output(let number): value = outputs[number][place]
        }
        tensor.values[row * tensor.columns + column] = value
      }
    }
    return tensor.rounded(to: node.type.element)
  }

  private static func load(
    _ memory: [UInt8], _ offsetBytes: Int, _ index: Int, _ element: ElementType
  ) -> Float {
    let place = offsetBytes + index * element.sizeBytes
    // Little-endian.
    let bits = (0..<element.sizeBytes).reduce(0) { $0 | UInt32(memory[place + $1]) << (8 * $1) }
    return switch element {
    case .f32: Float(bitPattern: bits)
    case .bf16: BFloat16.value(of: UInt16(truncatingIfNeeded: bits))
    case .f16: Float(Float16(bitPattern: UInt16(truncatingIfNeeded: bits)))
    case .s8: Float(Int8(truncatingIfNeeded: bits))
    case .i32: Float(Int32(bitPattern: bits))
    }
  }

  private static func store(
    _ value: Float, _ memory: inout [UInt8], _ offsetBytes: Int, _ index: Int,
    _ element: ElementType
  ) {
    let place = offsetBytes + index * element.sizeBytes
    let bits: UInt32 =
      switch element {
      case .f32: value.bitPattern
      case .bf16: UInt32(BFloat16.bits(of: value))
      case .f16: UInt32(Float16(value).bitPattern)
      case .s8, .i32: UInt32(truncatingIfNeeded: Int32(value))
      }
    for byte in 0..<element.sizeBytes {
      memory[place + byte] = UInt8(truncatingIfNeeded: bits >> (8 * byte))
    }
  }

  private mutating func write(_ tensor: Tensor, _ placement: Placement) {
    for row in 0..<tensor.rows {
      for column in 0..<tensor.columns {
        let element = row * placement.rowStride + column
        let place = placement.offsetBytes / 4 + element
        let value = tensor.values[row * tensor.columns + column]
        switch placement.space {
        case .weights:
          Self.store(value, &weights, placement.offsetBytes, element, tensor.element)
        case .arena: Self.store(value, &arena, placement.offsetBytes, element, tensor.element)
        case .image: break
        case .output(let number): outputs[number][place] = value
        }
      }
    }
  }
}
