import IR

/// A row rounded to bf16.
struct RoundedRow: PreparedRow {
  /// The elements of the row, and their type.
  let columns: Int
  let element: ElementType
  /// The term in the row's norm; `nil`: none is wanted.
  let epsilon: Float?

  var stride: Int { RowStride.padded(BF16Format().groups(columns)) }
  var scaleCount: Int { epsilon == nil ? 0 : 1 }
  var scratchBytes: Int { 0 }

  /// The scale is the inverse of the norm.
  func emit(_ b: Builder, _ address: Value, to target: Value, scales: Value, scratch: Value) {
    let lanes = b.target.lanes
    if columns % 2 != 0 {
      b.store(b.constant32(0), b.offset(target, bytes: columns / 2 * 4))
    }
    let sums = b.visitRow(columns: columns, sums: b.floats(0, lanes)) { bytes, count, sum in
      let half = b.divide(bytes, b.constant(2))
      let x = b.loadElements(
        element, b.offset(address, element == .f32 ? bytes : half), lanes, count: count)
      b.storeElements(.bf16, x, b.offset(target, half), count: count)
      return epsilon == nil ? sum : b.multiplyAdd(x, x, sum)
    }
    if let epsilon {
      b.store(RowNorm(columns: columns, epsilon: epsilon).finish(b, b.total(sums)), scales)
    }
  }
}
