import IR

extension Attention: Lowering {
  var takesNarrowElements: Bool { true }

  func lower(_ site: LoweringSite) -> StepCall {
    let (q, k, v) = (site.operands[0], site.operands[1], site.operands[2])
    let kernel = AttentionKernel(
      queries: q.rows, tokens: k.rows, heads: heads, headDim: q.columns / heads,
      qStride: q.stride, kStride: k.stride, vStride: v.stride, outputStride: site.output.stride,
      scale: scale, base2: base2, element: site.node.type.element)
    let scratch = StepCall.Operand.scratch(bytes: kernel.scratchBytes(site.target))
    guard let weightsStride = site.resultStride(1) else {
      return StepCall(
        kernel,
        [
          .q: site.operand(.queries), .k: site.operand(.keys), .v: site.operand(.values),
          .output: site.result(0), .scratch: scratch,
        ])
    }
    return StepCall(
      VisibleAttentionKernel(attention: kernel, weightsStride: weightsStride),
      [
        .q: site.operand(.queries), .k: site.operand(.keys), .v: site.operand(.values),
        .output: site.result(0), .weights: site.result(1), .scratch: scratch,
      ])
  }
}
