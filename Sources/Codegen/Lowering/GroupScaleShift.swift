import IR

extension GroupScaleShift: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    let kernel = GroupScaleShiftKernel(
      op: self, channels: site.output.columns, momentsStride: site.operands[0].stride,
      outputStride: site.output.stride)
    return StepCall(
      kernel,
      [
        .moments: site.operand(0), .gamma: site.operand(1), .beta: site.operand(2),
        .output: .matrix(site.output), .scratch: .scratch(bytes: kernel.scratchBytes),
      ])
  }
}
