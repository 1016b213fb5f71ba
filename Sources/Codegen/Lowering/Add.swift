import IR

extension Add: Lowering {
  func lower(_ site: LoweringSite) -> StepCall { .row(.add, site) }
}
