import IR

extension SwiGLU: Lowering {
  func lower(_ site: LoweringSite) -> StepCall { .row(.swiGLU, site) }
}
