import IR

extension FilterResponseNorm: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    let kernel = FilterResponseNormKernel(
      rows: site.output.rows, columns: site.output.columns, epsilon: epsilon,
      xStride: site.operands[0].stride, outputStride: site.output.stride)
    return StepCall(
      kernel,
      [
        .x: site.operand(0), .scale: site.operand(1), .shift: site.operand(2),
        .threshold: site.operand(3), .output: .matrix(site.output),
      ])
  }
}
