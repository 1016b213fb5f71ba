import IR

extension Center: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    let shape = site.node.type.shape
    let axis = axis < 0 ? shape.count - 1 : axis
    return axis == shape.count - 1
      ? .row(.center, site) : .columns(.center, axis: axis, shape, site)
  }
}
