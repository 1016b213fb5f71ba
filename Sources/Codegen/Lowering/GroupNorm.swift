import IR

extension GroupNorm: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    let kernel = GroupNormKernel(
      rows: site.output.rows, columns: site.output.columns, groups: groups, epsilon: epsilon,
      xStride: site.operands[0].stride, outputStride: site.output.stride)
    return StepCall(
      kernel,
      [
        .x: site.operand(0), .scale: site.operand(1), .shift: site.operand(2),
        .gate: .none, .output: .matrix(site.output),
      ])
  }
}
