import Diagnostics
import IR

extension Convolution: Lowering {
  var takesNarrowElements: Bool { true }

  func lower(_ site: LoweringSite) throws(Diagnostic) -> StepCall {
    guard columns != nil, site.hasPanels(along: 2) else { throw site.notPacked }
    let x = site.types[0]
    let image = ConvolutionImage(
      windows: windows(of: x), channels: channels(of: x), isPlanar: width == nil,
      xStride: site.operands[0].stride, scaleShiftStride: site.stride(factorsIndex),
      activation: activation, operandType: site.types[1].element,
      summationBlock: part ?? Tile.standardSummationBlock)
    let kernel = ConvolutionKernel(
      image: image, columns: site.output.columns, cStride: site.output.stride,
      residualStride: site.stride(residualIndex) ?? 0, hasBias: hasBias, hasResidual: hasResidual,
      chunk: chunk)
    return StepCall(
      kernel,
      [
        .x: site.operand(0), .panels: site.operand(1), .c: .matrix(site.output),
        .scaleShift: site.operand(factorsIndex), .bias: site.operand(biasIndex),
        .residual: site.operand(residualIndex), .scratch: .scratch(bytes: kernel.scratchBytes),
      ])
  }
}
