import IR

extension MatMul: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    let shape = site.node.type.shape
    let (a, b) = (site.operands[0], site.operands[1])
    let kernel = MatrixKernel(
      operation: .matMul(depth: a.columns, transposed: transposed),
      matrices: shape.dropLast(2).reduce(1, *), rows: shape[shape.count - 2],
      columns: site.output.columns, aStride: a.stride, bStride: b.stride,
      outputStride: site.output.stride)
    return StepCall(kernel, [.a: .matrix(a), .b: .matrix(b), .output: .matrix(site.output)])
  }
}
