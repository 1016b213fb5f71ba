import IR

extension Multiply: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    let shape = site.node.type.shape
    let axis = axis < 0 ? shape.count - 1 : axis
    if site.types[1] == site.node.type || axis == shape.count - 1 { return .row(.multiply, site) }
    // One factor for all elements after the axis: rows of as many elements, dense where the axis
    // is not the last but one.
    let inner = shape[(axis + 1)...].reduce(1, *)
    let isLast = inner == site.output.columns
    let kernel = RowKernel(
      operation: .multiplyByRow(extent: shape[axis]), rows: site.node.type.count / inner,
      columns: inner, xStride: isLast ? site.operands[0].stride : inner,
      outputStride: isLast ? site.output.stride : inner)
    return StepCall(
      kernel,
      [.x: site.operand(0), .y: site.operand(1), .z: .none, .output: .matrix(site.output)])
  }
}
