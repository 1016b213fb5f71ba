import IR

extension StepCall {
  /// An operation of each row; an operand of one row is repeated.
  static func row(_ operation: RowKernel.Operation, _ site: LoweringSite) -> StepCall {
    func stride(_ index: Int) -> Int {
      guard index < site.operands.count, site.operands[index].rows > 1 else { return 0 }
      return site.operands[index].stride
    }
    let kernel = RowKernel(
      operation: operation, rows: site.output.rows, columns: site.output.columns,
      xStride: stride(0), yStride: stride(1), outputStride: site.output.stride)
    return StepCall(
      kernel,
      [
        .x: site.operand(0), .y: site.operand(1), .z: site.operand(2),
        .output: .matrix(site.output),
      ])
  }

  /// The mean along a dimension, or what remains without it; `shape` is the operand's.
  static func columns(
    _ operation: ColumnKernel.Operation, axis: Int, _ shape: [Int], _ site: LoweringSite
  ) -> StepCall {
    let inner = shape[(axis + 1)...].reduce(1, *)
    let (x, output) = (site.operands[0], site.output)
    // Rows of as many elements, dense where the axis is not the last but one.
    let isLast = inner == x.columns
    let kernel = ColumnKernel(
      operation: operation, matrices: shape[..<axis].reduce(1, *), rows: shape[axis],
      columns: inner, xStride: isLast ? x.stride : inner,
      outputStride: isLast ? output.stride : inner)
    return StepCall(kernel, [.x: .matrix(x), .output: .matrix(output)])
  }
}
