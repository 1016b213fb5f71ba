import IR

extension WindowPartition: Lowering {
  func lower(_ site: LoweringSite) -> StepCall { .windows(grid, .toWindows, site) }
}

extension WindowMerge: Lowering {
  func lower(_ site: LoweringSite) -> StepCall { .windows(grid, .toImage, site) }
}

extension StepCall {
  fileprivate static func windows(
    _ grid: WindowGrid, _ direction: WindowRowsKernel.Direction, _ site: LoweringSite
  ) -> StepCall {
    let kernel = WindowRowsKernel(
      direction: direction, grid: grid, columns: site.output.columns,
      hasBorder: site.operands.count > 1,
      xStride: site.operands[0].stride, outputStride: site.output.stride)
    return StepCall(
      kernel, [.x: site.operand(0), .border: site.operand(1), .output: site.result(0)])
  }
}
