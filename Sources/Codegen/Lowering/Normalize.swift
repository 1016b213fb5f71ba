import IR

extension Normalize: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    let work = NormalizeRows(
      channels: site.output.columns, xStride: site.operands[0].stride,
      outputStride: site.output.stride, scaleShiftStride: site.stride(1),
      residualStride: site.stride(2), residualScaleShiftStride: site.stride(3),
      activation: activation)
    return StepCall(
      NormalizeKernel(rows: site.output.rows, work: work),
      [
        .x: site.operand(0), .scaleShift: site.operand(1), .residual: site.operand(2),
        .residualScaleShift: site.operand(3), .output: .matrix(site.output),
      ])
  }
}
