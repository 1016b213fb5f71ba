import IR

extension Activation: Lowering {
  func lower(_ site: LoweringSite) -> StepCall { .row(.activation(function), site) }
}
