import IR

extension Rollout: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    let weights = site.operands[1]
    let kernel = RolloutKernel(tokens: weights.columns, stride: weights.stride)
    return StepCall(
      kernel, [.v: site.operand(0), .weights: site.operand(1), .output: site.result(0)])
  }
}
