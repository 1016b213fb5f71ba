import IR

extension RMSNorm: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    .row(.rmsNorm(epsilon: epsilon, weighted: site.operands.count == 2), site)
  }
}
