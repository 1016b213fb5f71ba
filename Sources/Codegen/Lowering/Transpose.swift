import IR

extension Transpose: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    let kernel = MatrixKernel(
      operation: .transpose, rows: site.output.rows, columns: site.output.columns,
      aStride: site.operands[0].stride, outputStride: site.output.stride)
    return StepCall(kernel, [.a: site.operand(0), .b: .none, .output: .matrix(site.output)])
  }
}
