import IR

extension Moments: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    let x = site.operands[0]
    let kernel = MomentsKernel(
      rows: x.rows, columns: x.columns, chunk: chunk, xStride: x.stride,
      outputStride: site.output.stride)
    return StepCall(kernel, [.x: .matrix(x), .output: .matrix(site.output)])
  }
}
