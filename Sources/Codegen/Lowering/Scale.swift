import IR

extension Scale: Lowering {
  func lower(_ site: LoweringSite) -> StepCall { .row(.scale(ExactFloat(factor)), site) }
}
