import Diagnostics
import IR

/// The calls of convolutions and of what stands around them.
extension PhaseEmitter {
  func plainConvolution(
    _ op: Conv2d, _ node: Node, _ operands: [Matrix], _ output: Matrix
  ) -> Call {
    let (x, weight) = (graph[node.operands[0]].type.shape, graph[node.operands[1]].type.shape)
    let kernel = Conv2dKernel(
      windows: op.windows(of: x, weight: weight), channels: weight[1], filters: weight[0],
      isPlanar: op.width == nil, hasBias: operands.count > 2, xStride: operands[0].stride,
      outputStride: output.stride)
    return Call(
      kernel: kernel.function(builder),
      operands: [
        .matrix(operands[0]), .matrix(operands[1]),
        operands.count > 2 ? .matrix(operands[2]) : .none, .matrix(output), .scratch,
      ], scratchBytes: kernel.scratchBytes)
  }

  func convolution(
    _ op: Convolution, _ node: Node, _ operands: [Matrix], _ output: Matrix
  ) throws(Diagnostic) -> Call {
    try checkPanels(op.columns, node, operands[1])
    let residual = op.residualIndex.map { operands[$0] }
    let x = graph[node.operands[0]].type
    let image = ConvolutionImage(
      windows: op.windows(of: x), channels: op.channels(of: x), isPlanar: op.width == nil,
      xStride: operands[0].stride, factorsStride: op.factorsIndex.map { operands[$0].stride },
      activation: op.activation, element: graph[node.operands[1]].type.element,
      part: op.part ?? Tile.partSteps)
    let kernel = ConvolutionKernel(
      image: image, columns: output.columns, cStride: output.stride,
      residualStride: residual?.stride ?? 0, hasBias: op.hasBias, hasResidual: op.hasResidual,
      chunk: op.chunk)
    func optional(_ index: Int?) -> Call.Operand {
      index.map { .matrix(operands[$0]) } ?? .none
    }
    return Call(
      kernel: kernel.function(builder),
      operands: [
        .matrix(operands[0]), .matrix(operands[1]), .matrix(output), optional(op.factorsIndex),
        optional(op.biasIndex), optional(op.residualIndex), .scratch,
      ], scratchBytes: kernel.scratchBytes)
  }

  func winogradConvolution(
    _ op: WinogradConvolution, _ node: Node, _ operands: [Matrix], _ output: Matrix
  ) throws(Diagnostic) -> Call {
    let (x, weight) = (graph[node.operands[0]].type.shape, graph[node.operands[1]].type)
    guard let tile = WinogradConvolution.tile(of: weight), weight.shape[3] == Tile.panelWidth,
      operands[1].placement.offsetBytes % 64 == 0
    else {
      throw Diagnostic(
        "expected a weight packed in panels of \(Tile.panelWidth), 64-byte aligned, found "
          + "\(weight) at \(operands[1].placement)", at: .node(node.name))
    }
    let shape = WinogradShape(
      tile: tile, height: x[0] / op.width, width: op.width, channels: x[1])
    let residual = op.residualIndex.map { operands[$0] }
    let kernel = WinogradKernel(
      shape: shape, columns: op.columns, xStride: operands[0].stride,
      outputStride: output.stride, residualStride: residual?.stride ?? 0,
      prologue: WinogradKernel.Prologue(
        factorStride: op.factorsIndex.map { operands[$0].stride }, activation: op.activation),
      hasBias: op.hasBias, hasResidual: op.hasResidual, chunk: op.chunk,
      part: op.part ?? Tile.partSteps)
    func optional(_ index: Int?) -> Call.Operand {
      index.map { .matrix(operands[$0]) } ?? .none
    }
    return Call(
      kernel: kernel.function(builder),
      operands: [
        .matrix(operands[0]), .matrix(operands[1]), .matrix(output), optional(op.biasIndex),
        optional(op.residualIndex), optional(op.factorsIndex), .scratch,
      ], scratchBytes: kernel.scratchBytes)
  }

  func moments(_ op: Moments, _ operands: [Matrix], _ output: Matrix) -> Call {
    let kernel = MomentsKernel(
      rows: operands[0].rows, columns: operands[0].columns, chunk: op.chunk,
      xStride: operands[0].stride, outputStride: output.stride)
    return Call(
      kernel: kernel.function(builder), operands: [.matrix(operands[0]), .matrix(output)])
  }

  func normFactors(_ op: NormFactors, _ operands: [Matrix], _ output: Matrix) -> Call {
    let kernel = NormFactorsKernel(
      op: op, channels: output.columns, momentsStride: operands[0].stride,
      outputStride: output.stride)
    return Call(
      kernel: kernel.function(builder),
      operands: operands.map { .matrix($0) } + [.matrix(output), .scratch],
      scratchBytes: kernel.scratchBytes)
  }

  func normalize(_ op: Normalize, _ operands: [Matrix], _ output: Matrix) -> Call {
    func stride(_ index: Int) -> Int? {
      index < operands.count ? operands[index].stride : nil
    }
    let work = NormalizeRows(
      channels: output.columns, xStride: operands[0].stride, outputStride: output.stride,
      factorsStride: stride(1), residualStride: stride(2), residualFactorsStride: stride(3),
      activation: op.activation)
    let inputs = (0..<4).map { $0 < operands.count ? Call.Operand.matrix(operands[$0]) : .none }
    return Call(
      kernel: NormalizeKernel(rows: output.rows, work: work).function(builder),
      operands: inputs + [.matrix(output)])
  }
}
