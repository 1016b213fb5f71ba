import IR

extension Embedding: Lowering {
  // Of i32: the tokens.
  var takesNarrowElements: Bool { true }

  func lower(_ site: LoweringSite) -> StepCall {
    let table = site.operands[0]
    return StepCall(
      EmbeddingKernel(
        rows: site.output.rows, vocabulary: table.rows, columns: table.columns,
        tableStride: table.stride, outputStride: site.output.stride),
      [.table: site.operand(0), .ids: site.operand(1), .output: site.result(0)])
  }
}
