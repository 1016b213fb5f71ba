import IR

extension Softmax: Lowering {
  func lower(_ site: LoweringSite) -> StepCall { .row(isCausal ? .causalSoftmax : .softmax, site) }
}
