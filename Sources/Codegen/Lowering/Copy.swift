import IR

extension Copy: Lowering {
  func lower(_ site: LoweringSite) -> StepCall { .row(.copy, site) }
}
