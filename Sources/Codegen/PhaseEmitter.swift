import Diagnostics
import IR

/// Emits the phases of a graph: for each operation a small function that finds its operands in
/// memory and calls the kernel of its shape, which all operations of that shape share.
struct PhaseEmitter {
  let builder: Builder
  let graph: Graph
  /// The phases, in order.
  private(set) var functions: [Function] = []
  /// The names of their nodes.
  private(set) var names: [String] = []
  /// The largest scratch memory that a phase asks for, in bytes.
  private(set) var scratchBytes = 0

  init(builder: Builder, graph: Graph) {
    self.builder = builder
    self.graph = graph
  }

  /// A value seen as a matrix in memory.
  struct Matrix {
    let rows: Int
    let columns: Int
    /// Elements from one row to the next.
    let stride: Int
    let placement: Placement
  }

  /// What a phase does: a kernel, and what it is called with.
  struct Call {
    let kernel: Function
    /// In the kernel's order; `nil` is passed as null.
    let operands: [Operand]
    var scratchBytes = 0

    enum Operand {
      case matrix(Matrix)
      case scratch
      case none
    }
  }

  /// Emits the phase of one value, if it has one: operations on weights alone are evaluated when
  /// the weights are written, and views do nothing.
  mutating func emit(_ value: IR.Value) throws(Diagnostic) {
    let node = graph[value].node
    guard CodeGenerator.hasPhase(node), let call = try call(node) else { return }
    scratchBytes = max(scratchBytes, call.scratchBytes)
    names.append(node.name)
    functions.append(phase(call, named: "phase_\(functions.count)_\(node.name)"))
  }

  /// Emits `(frame, task, count) -> void`.
  private func phase(_ call: Call, named name: String) -> Function {
    let b = builder
    return b.define(name, [b.pointer, b.i32, b.i32]) { arguments in
      let frame = arguments[0]
      let pointers = call.operands.map { operand in
        switch operand {
        case .none: return b.null
        case .scratch: return b.load(b.pointer, b.offset(frame, bytes: 16), alignment: 8)
        case .matrix(let matrix):
          return b.offset(
            base(frame, matrix.placement.space), bytes: matrix.placement.offsetBytes)
        }
      }
      b.call(
        call.kernel, pointers + [b.signExtend(arguments[1]), b.signExtend(arguments[2])])
    }
  }

  /// The base of a space: the fields of `vit_frame`.
  private func base(_ frame: Value, _ space: Placement.Space) -> Value {
    let b = builder
    func field(_ bytes: Int) -> Value {
      b.load(b.pointer, b.offset(frame, bytes: bytes), alignment: 8)
    }
    switch space {
    case .weights: return field(0)
    case .arena: return field(8)
    case .image: return field(24)
    case .output(let index):
      return b.load(b.pointer, b.offset(field(32), bytes: index * 8), alignment: 8)
    }
  }

  /// The value as a matrix: the last dimension runs along its rows.
  private func matrix(_ value: IR.Value) throws(Diagnostic) -> Matrix {
    try matrix(graph[value].node.results[value.result])
  }

  private func matrix(_ result: Node.Result) throws(Diagnostic) -> Matrix {
    guard let placement = result.placement else {
      throw Diagnostic("is read by code, but has no place in memory", at: .node(result.name))
    }
    let columns = result.type.shape.last ?? 1
    return Matrix(
      rows: columns == 0 ? 0 : result.type.count / columns, columns: columns,
      stride: placement.rowStride, placement: placement)
  }

  /// Throws where a node has numbers narrower than floats that its kernel would take for floats, or
  /// writes them to a result of the model.
  private func checkElements(_ node: Node) throws(Diagnostic) {
    if case .output = node.placement?.space, node.type.element != .f32 {
      throw Diagnostic(
        "results are of f32, found \(node.type)", at: .node(node.name))
    }
    if let other = node.results.dropFirst().first(where: { $0.placement != nil }) {
      throw Diagnostic(
        "'\(node.op.mnemonic)' is compiled for its first result only", at: .node(other.name))
    }
    if node.op.isView { return }
    if case .contraction = node.op { return }
    if case .convolution = node.op { return }
    if case .attention = node.op { return }
    for type in node.operands.map({ graph[$0].type }) + [node.type] where type.element != .f32 {
      throw Diagnostic(
        "'\(node.op.mnemonic)' is compiled for f32 only, found \(type)", at: .node(node.name))
    }
  }

  /// Chooses the kernel of a node and its arguments.
  private func call(_ node: Node) throws(Diagnostic) -> Call? {
    try checkElements(node)
    var operands: [Matrix] = []
    for operand in node.operands { operands.append(try matrix(operand)) }
    let output = try matrix(node.results[0])
    let type = node.operands.first.map { graph[$0].type }
    switch node.op {
    case .input, .weight, .slice, .reshape, .concatenate: return nil
    case .extractPatches(let op):
      guard let shape = type?.shape else { return nil }
      let kernel = PatchKernel(
        channels: shape[0], height: shape[1], width: shape[2], patch: op.patch,
        outputStride: output.stride)
      return Call(
        kernel: kernel.function(builder), operands: [.matrix(operands[0]), .matrix(output)])
    case .contraction(let op): return try contraction(op, node, operands, output)
    case .attention(let op):
      let kernel = AttentionKernel(
        queries: operands[0].rows, tokens: operands[1].rows, heads: op.heads,
        headDim: operands[0].columns / op.heads, qStride: operands[0].stride,
        kStride: operands[1].stride, vStride: operands[2].stride, outputStride: output.stride,
        scale: op.scale, base2: op.base2, element: node.type.element)
      return Call(
        kernel: kernel.function(builder),
        operands: operands.map { .matrix($0) } + [.matrix(output), .scratch],
        scratchBytes: kernel.scratchBytes(builder.target))
    case .layerNorm(let op):
      return row(.layerNorm(epsilon: op.epsilon, affine: operands.count == 3), operands, output)
    case .activation(let op): return row(.activation(op.function), operands, output)
    case .scale(let op): return row(.scale(op.factor), operands, output)
    case .copy: return row(.copy, operands, output)
    case .fill(let op): return row(.fill(op.value), operands, output)
    case .softmax: return row(.softmax, operands, output)
    case .swiGLU: return row(.swiGLU, operands, output)
    case .add: return row(.add, operands, output)
    case .multiply(let op): return multiply(op, node, operands, output)
    case .center(let op):
      return reduction(.center, axis: op.axis, node.type.shape, operands[0], output)
    case .meanRows:
      guard let shape = type?.shape else { return nil }
      return reduction(.mean, axis: 0, shape, operands[0], output)
    case .conv2d(let op): return plainConvolution(op, node, operands, output)
    case .maxPool(let op):
      let kernel = MaxPoolKernel(
        windows: op.windows(pixels: operands[0].rows), channels: output.columns, border: op.border,
        xStride: operands[0].stride, outputStride: output.stride)
      return Call(
        kernel: kernel.function(builder), operands: [.matrix(operands[0]), .matrix(output)])
    case .groupNorm(let op):
      let kernel = GroupNormKernel(
        rows: output.rows, columns: output.columns, groups: op.groups, epsilon: op.epsilon,
        xStride: operands[0].stride, outputStride: output.stride)
      return Call(
        kernel: kernel.function(builder),
        operands: operands.map { .matrix($0) } + [.matrix(output)])
    case .matMul(let op): return product(op, node.type.shape, operands, output)
    case .transpose:
      let kernel = MatrixKernel(
        operation: .transpose, rows: output.rows, columns: output.columns,
        aStride: operands[0].stride, outputStride: output.stride)
      return Call(
        kernel: kernel.function(builder),
        operands: [.matrix(operands[0]), .none, .matrix(output)])
    case .convolution(let op): return try convolution(op, node, operands, output)
    case .winogradConvolution(let op):
      return try winogradConvolution(op, node, operands, output)
    case .moments(let op): return moments(op, operands, output)
    case .normFactors(let op): return normFactors(op, operands, output)
    case .normalize(let op): return normalize(op, operands, output)
    case .patchEmbed, .linear, .splitHeads, .mergeHeads, .resizePositionEmbedding,
      .standardizeWeight, .pack, .winogradWeight, .round, .quantize, .channelFactors, .rotate,
      .diagonal:
      throw Diagnostic(
        "'\(node.op.mnemonic)' has no code: it is computed from weights, or rewritten before",
        at: .node(node.name))
    }
  }

  /// Refuses a weight that is not packed as the kernels read it.
  func checkPanels(
    _ columns: Int?, _ node: Node, _ panels: Matrix
  ) throws(Diagnostic) {
    let weight = graph[node.operands[1]].type
    guard columns != nil, weight.shape[2] == Tile.panelWidth,
      panels.placement.offsetBytes % 64 == 0
    else {
      throw Diagnostic(
        "expected a weight packed in panels of \(Tile.panelWidth), 64-byte aligned, found "
          + "\(weight) at \(panels.placement)", at: .node(node.name))
    }
  }

  private func contraction(
    _ op: Contraction, _ node: Node, _ operands: [Matrix], _ output: Matrix
  ) throws(Diagnostic) -> Call {
    try checkPanels(op.columns, node, operands[1])
    let residual = op.residualIndex.map { operands[$0] }
    let places: [Call.Operand] = [
      .matrix(operands[0]), .matrix(operands[1]), .matrix(output),
      op.biasIndex.map { .matrix(operands[$0]) } ?? .none,
      residual.map { .matrix($0) } ?? .none, .scratch,
    ]
    if op.usesStrassen {
      let kernel = StrassenKernel(
        rows: output.rows, columns: output.columns, depth: operands[0].columns,
        aStride: operands[0].stride, cStride: output.stride,
        residualStride: residual?.stride ?? 0, epsilon: op.epsilon, hasBias: op.hasBias,
        activation: op.activation, hasResidual: op.hasResidual)
      return Call(
        kernel: kernel.function(builder), operands: places, scratchBytes: kernel.scratchBytes)
    }
    let kernel = ContractionKernel(
      rows: output.rows, columns: output.columns, depth: operands[0].columns,
      aStride: operands[0].stride, cStride: output.stride,
      residualStride: residual?.stride ?? 0, epsilon: op.epsilon, hasBias: op.hasBias,
      activation: op.activation, hasResidual: op.hasResidual,
      factors: graph[node.operands[1]].type.element, left: graph[node.operands[0]].type.element,
      result: op.result, points: op.points,
      factorsStride: graph[node.operands[1]].type.element == .s8
        ? op.biasIndex.map { operands[$0].stride } ?? 0 : 0)
    return Call(
      kernel: kernel.function(builder), operands: places, scratchBytes: kernel.scratchBytes)
  }

  /// An operation of each row; a second operand of one row is repeated.
  private func row(
    _ operation: RowKernel.Operation, _ operands: [Matrix], _ output: Matrix
  ) -> Call {
    func stride(_ index: Int) -> Int {
      guard index < operands.count else { return 0 }
      return operands[index].rows == 1 ? 0 : operands[index].stride
    }
    let kernel = RowKernel(
      operation: operation, rows: output.rows, columns: output.columns, xStride: stride(0),
      yStride: stride(1), outputStride: output.stride)
    let inputs = (0..<3).map { $0 < operands.count ? Call.Operand.matrix(operands[$0]) : .none }
    return Call(kernel: kernel.function(builder), operands: inputs + [.matrix(output)])
  }

  private func multiply(
    _ op: Multiply, _ node: Node, _ operands: [Matrix], _ output: Matrix
  ) -> Call {
    let shape = node.type.shape
    let axis = op.axis < 0 ? shape.count - 1 : op.axis
    let factor = graph[node.operands[1]].type
    if factor == node.type || axis == shape.count - 1 {
      return row(.multiply, operands, output)
    }
    // One factor for all elements behind the axis: rows of as many elements, dense where the axis
    // is not the last but one.
    let inner = shape[(axis + 1)...].reduce(1, *)
    let lines = inner == output.columns
    let kernel = RowKernel(
      operation: .multiplyByRow(extent: shape[axis]), rows: node.type.count / inner,
      columns: inner, xStride: lines ? operands[0].stride : inner,
      outputStride: lines ? output.stride : inner)
    return Call(
      kernel: kernel.function(builder),
      operands: [.matrix(operands[0]), .matrix(operands[1]), .none, .matrix(output)])
  }

  /// The mean along a dimension, or what remains without it; `shape` is the operand's.
  private func reduction(
    _ operation: ColumnKernel.Operation, axis: Int, _ shape: [Int], _ x: Matrix,
    _ output: Matrix
  ) -> Call {
    let along = axis < 0 ? shape.count - 1 : axis
    if along == shape.count - 1, operation == .center { return row(.center, [x], output) }
    let inner = shape[(along + 1)...].reduce(1, *)
    let lines = inner == x.columns
    let kernel = ColumnKernel(
      operation: operation, matrices: shape[..<along].reduce(1, *), rows: shape[along],
      columns: inner, xStride: lines ? x.stride : inner,
      outputStride: lines ? output.stride : inner)
    return Call(kernel: kernel.function(builder), operands: [.matrix(x), .matrix(output)])
  }

  private func product(
    _ op: MatMul, _ shape: [Int], _ operands: [Matrix], _ output: Matrix
  ) -> Call {
    let kernel = MatrixKernel(
      operation: .product(depth: operands[0].columns, transposed: op.transposed),
      matrices: shape.dropLast(2).reduce(1, *), rows: shape[shape.count - 2],
      columns: output.columns, aStride: operands[0].stride, bStride: operands[1].stride,
      outputStride: output.stride)
    return Call(
      kernel: kernel.function(builder),
      operands: [.matrix(operands[0]), .matrix(operands[1]), .matrix(output)])
  }
}
