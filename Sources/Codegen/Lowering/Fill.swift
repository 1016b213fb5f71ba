import IR

extension Fill: Lowering {
  func lower(_ site: LoweringSite) -> StepCall { .row(.fill(ExactFloat(value)), site) }
}
