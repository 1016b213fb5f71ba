import IR

extension EvoNorm: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    let kernel = GroupNormKernel(
      rows: site.output.rows, columns: site.output.columns, groups: groups, epsilon: epsilon,
      isGated: true, xStride: site.operands[0].stride, outputStride: site.output.stride)
    return StepCall(
      kernel,
      [
        .x: site.operand(0), .scale: site.operand(1), .shift: site.operand(2),
        .gate: site.operand(3), .output: .matrix(site.output),
      ])
  }
}
