import IR

extension MaxPool: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    let x = site.operands[0]
    let kernel = MaxPoolKernel(
      windows: windows(pixels: x.rows), channels: site.output.columns, border: border,
      xStride: x.stride, outputStride: site.output.stride)
    return StepCall(kernel, [.image: .matrix(x), .output: .matrix(site.output)])
  }
}
