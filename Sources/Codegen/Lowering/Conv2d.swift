import IR

extension Conv2d: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    let (x, weight) = (site.types[0].shape, site.types[1].shape)
    let kernel = Conv2dKernel(
      windows: windows(of: x, weight: weight), channels: weight[1], filters: weight[0],
      isPlanar: width == nil, hasBias: site.operands.count > 2, xStride: site.operands[0].stride,
      outputStride: site.output.stride)
    return StepCall(
      kernel,
      [
        .image: site.operand(0), .weight: site.operand(1), .bias: site.operand(2),
        .output: .matrix(site.output), .scratch: .scratch(bytes: kernel.scratchBytes),
      ])
  }
}
