import IR

extension L2Norm: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    let (x, isScaled) = (site.operands[0], site.operands.count > 1)
    let kernel = L2NormKernel(
      rows: x.rows, heads: heads, headDim: x.columns / heads, isScaled: isScaled,
      epsilon: ExactFloat(epsilon), xStride: x.stride, outputStride: site.output.stride)
    return StepCall(
      kernel,
      [
        .x: site.operand(0), .scale: site.operand(isScaled ? 1 : 0),
        .output: .matrix(site.output),
      ])
  }
}
