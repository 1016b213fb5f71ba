import IR

extension AttentionRow: Lowering {
  /// A copy of a row for each head, heads being as far apart as all of their queries.
  func lower(_ site: LoweringSite) -> StepCall {
    let weights = site.operands[0]
    let queries = site.types[0].shape[1]
    let kernel = RowKernel(
      operation: .copy, rows: site.output.rows, columns: count,
      xStride: queries * weights.stride, outputStride: site.output.stride)
    return StepCall(
      kernel,
      [
        .x: .matrix(weights.moved(by: row * weights.stride + start)), .y: .none, .z: .none,
        .output: .matrix(site.output),
      ])
  }
}
