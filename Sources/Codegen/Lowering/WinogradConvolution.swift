import Diagnostics
import IR

extension WinogradConvolution: Lowering {
  func lower(_ site: LoweringSite) throws(Diagnostic) -> StepCall {
    let x = site.types[0].shape
    guard let tile = WinogradConvolution.tile(of: site.types[1]), site.hasPanels(along: 3) else {
      throw site.notPacked
    }
    let shape = WinogradShape(
      tile: tile, height: x[0] / width, width: width, channels: x[1])
    let kernel = WinogradKernel(
      shape: shape, columns: columns, xStride: site.operands[0].stride,
      outputStride: site.output.stride, residualStride: site.stride(residualIndex) ?? 0,
      prologue: WinogradKernel.Prologue(
        scaleShiftStride: site.stride(factorsIndex), activation: activation),
      hasBias: hasBias, hasResidual: hasResidual, chunk: chunk,
      summationBlock: part ?? Tile.standardSummationBlock)
    return StepCall(
      kernel,
      [
        .x: site.operand(0), .weight: site.operand(1), .output: .matrix(site.output),
        .bias: site.operand(biasIndex), .residual: site.operand(residualIndex),
        .scaleShift: site.operand(factorsIndex), .scratch: .scratch(bytes: kernel.scratchBytes),
      ])
  }
}
