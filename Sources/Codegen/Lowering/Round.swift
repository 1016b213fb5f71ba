import IR

extension Round: Lowering {
  var takesNarrowElements: Bool { true }

  func lower(_ site: LoweringSite) -> StepCall {
    let kernel = RoundKernel(
      rows: site.output.rows, columns: site.output.columns, xStride: site.operands[0].stride,
      outputStride: site.output.stride, element: element)
    return StepCall(kernel, [.x: site.operand(0), .output: site.result(0)])
  }
}
