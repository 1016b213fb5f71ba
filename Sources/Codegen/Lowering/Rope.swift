import IR

extension Rope: Lowering {
  var takesNarrowElements: Bool { true }

  func lower(_ site: LoweringSite) -> StepCall {
    let (x, table) = (site.operands[0], site.operands[1])
    let kernel = RopeKernel(
      rows: x.rows, heads: heads, headDim: x.columns / heads,
      isTableOfHeads: heads > 1 && table.columns == x.columns, xStride: x.stride,
      tableStride: table.stride, outputStride: site.output.stride,
      element: site.node.type.element)
    return StepCall(
      kernel, [.x: site.operand(0), .table: site.operand(1), .output: .matrix(site.output)])
  }
}
