import Diagnostics
import IR

extension Convolution: Lowering {
  var takesNarrowElements: Bool { true }

  func lower(_ site: LoweringSite) throws(Diagnostic) -> StepCall {
    switch algorithm {
    case .winograd(let tile): try winograd(tile, site)
    case .direct, .strassen: try direct(site)
    }
  }

  /// The rows of a chunk of the moments, if somebody wants them.
  private func chunk(_ site: LoweringSite) -> Int? {
    site.resultStride(1) == nil ? nil : chunk
  }

  private func direct(_ site: LoweringSite) throws(Diagnostic) -> StepCall {
    guard columns != nil, site.hasPanels(along: 2) else { throw site.notPacked }
    let x = site.types[0]
    let image = ConvolutionImage(
      windows: windows(of: x), channels: channels(of: x), isPlanar: width == nil,
      xStride: site.operands[0].stride, scaleShiftStride: site.stride(.scaleShift),
      activation: prologue.activation, operandType: site.types[1].element,
      summationBlock: summation.block ?? Tile.standardSummationBlock)
    let kernel = ConvolutionKernel(
      image: image, columns: site.output.columns, cStride: site.output.stride,
      momentsStride: site.resultStride(1) ?? 0, residualStride: site.stride(.residual) ?? 0,
      hasBias: epilogue.hasBias, hasResidual: epilogue.hasResidual, chunk: chunk(site))
    return StepCall(
      kernel,
      [
        .x: site.operand(.input), .panels: site.operand(.weight), .c: site.result(0),
        .moments: site.result(1), .scaleShift: site.operand(.scaleShift),
        .bias: site.operand(.bias), .residual: site.operand(.residual),
        .scratch: .scratch(bytes: kernel.scratchBytes),
      ])
  }

  private func winograd(
    _ tile: WinogradTile, _ site: LoweringSite
  ) throws(Diagnostic) -> StepCall {
    guard site.hasPanels(along: 3) else { throw site.notPacked }
    let image = windows(of: site.types[0])
    let kernel = WinogradKernel(
      shape: WinogradShape(
        tile: tile, height: image.height, width: image.width,
        channels: channels(of: site.types[0])),
      columns: site.output.columns, xStride: site.operands[0].stride,
      outputStride: site.output.stride, momentsStride: site.resultStride(1) ?? 0,
      residualStride: site.stride(.residual) ?? 0,
      prologue: WinogradKernel.Prologue(
        scaleShiftStride: site.stride(.scaleShift), activation: prologue.activation),
      hasBias: epilogue.hasBias, hasResidual: epilogue.hasResidual, chunk: chunk(site),
      summationBlock: summation.block ?? Tile.standardSummationBlock)
    return StepCall(
      kernel,
      [
        .x: site.operand(.input), .weight: site.operand(.weight), .output: site.result(0),
        .moments: site.result(1), .bias: site.operand(.bias),
        .residual: site.operand(.residual), .scaleShift: site.operand(.scaleShift),
        .scratch: .scratch(bytes: kernel.scratchBytes),
      ])
  }
}
