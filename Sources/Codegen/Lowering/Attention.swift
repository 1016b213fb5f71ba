import IR

extension Attention: Lowering {
  var takesNarrowElements: Bool { true }

  func lower(_ site: LoweringSite) -> StepCall {
    let (q, k, v) = (site.operands[0], site.operands[1], site.operands[2])
    let kernel = AttentionKernel(
      queries: q.rows, tokens: k.rows, heads: heads, headDim: q.columns / heads,
      qStride: q.stride, kStride: k.stride, vStride: v.stride, outputStride: site.output.stride,
      scale: scale, base2: base2, element: site.node.type.element)
    return StepCall(
      kernel,
      [
        .q: .matrix(q), .k: .matrix(k), .v: .matrix(v), .output: .matrix(site.output),
        .scratch: .scratch(bytes: kernel.scratchBytes(site.target)),
      ])
  }
}
