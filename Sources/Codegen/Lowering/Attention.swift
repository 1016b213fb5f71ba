import IR

extension Attention: Lowering {
  var takesNarrowElements: Bool { true }

  func lower(_ site: LoweringSite) -> StepCall {
    let (q, k, v) = (site.operands[0], site.operands[1], site.operands[2])
    let kernel = AttentionKernel(
      queries: q.rows / windows, tokens: k.rows / windows, heads: heads,
      headDim: q.columns / heads,
      qStride: q.stride, kStride: k.stride, vStride: v.stride, outputStride: site.output.stride,
      scale: scale, base2: base2, element: site.node.type.element, windows: windows,
      addition: addition(site), isCausal: isCausal)
    if isQuantized {
      let integers = IntegerAttentionKernel(attention: kernel)
      return call(integers, site, scratchBytes: integers.scratchBytes(site.target))
    }
    guard let weightsStride = site.resultStride(1) else {
      return call(kernel, site, scratchBytes: kernel.scratchBytes(site.target))
    }
    let scratch = StepCall.Operand.scratch(bytes: kernel.scratchBytes(site.target))
    let range = weightRange(queries: q.rows)
    return StepCall(
      VisibleAttentionKernel(
        attention: kernel,
        weights: WeightRows(
          first: range.lowerBound, count: range.count, stride: weightsStride)),
      [
        .q: site.operand(.queries), .k: site.operand(.keys), .v: site.operand(.values),
        .output: site.result(0), .weights: site.result(1), .scratch: scratch,
        .scores: site.operand(.scores),
      ])
  }

  /// The call of a kernel that has the result alone.
  private func call<Kernel: StepKernel>(
    _ kernel: Kernel, _ site: LoweringSite, scratchBytes: Int
  ) -> StepCall where Kernel.Parameter == AttentionKernel.Parameter {
    StepCall(
      kernel,
      [
        .q: site.operand(.queries), .k: site.operand(.keys), .v: site.operand(.values),
        .output: site.result(0), .scratch: .scratch(bytes: scratchBytes),
        .scores: site.operand(places == nil ? .scores : .scoreTable),
        .rowScores: site.operand(.rowScores), .columnScores: site.operand(.columnScores),
      ])
  }

  private func addition(_ site: LoweringSite) -> ScoreAddition {
    if let stride = site.stride(.scores) { return .matrix(stride: stride, kinds: kinds) }
    if let places, let stride = site.stride(.scoreTable) { return .places(places, stride: stride) }
    guard let grid, let rowStride = site.stride(.rowScores),
      let columnStride = site.stride(.columnScores)
    else { return .none }
    return .grid(
      rows: grid[0], columns: grid[1], rowStride: rowStride, columnStride: columnStride)
  }
}
