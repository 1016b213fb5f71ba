import IR

extension MeanRows: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    .columns(.mean, axis: 0, site.types[0].shape, site)
  }
}
