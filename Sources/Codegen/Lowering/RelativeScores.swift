import IR

extension RelativeScores: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    let (q, table) = (site.operands[0], site.operands[1])
    let kernel = RelativeScoresKernel(
      rows: q.rows, heads: heads, headDim: q.columns / heads, grid: grid, axis: axis,
      qStride: q.stride, tableStride: table.stride, outputStride: site.output.stride)
    return StepCall(
      kernel, [.q: site.operand(0), .table: site.operand(1), .output: site.result(0)])
  }
}
