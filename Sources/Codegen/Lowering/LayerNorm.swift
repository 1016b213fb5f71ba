import IR

extension LayerNorm: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    .row(.layerNorm(epsilon: epsilon, affine: site.operands.count == 3), site)
  }
}
