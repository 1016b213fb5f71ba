import IR

/// A row rounded to floats of fewer bits.
struct RoundedRow: PreparedRow {
  /// What the row is rounded to.
  let result: ElementType
  /// The elements of the row, and their type.
  let columns: Int
  let element: ElementType
  /// The term in the row's norm; `nil`: none is wanted.
  let epsilon: Float?

  var stride: Int { RowStride.padded(result.format.groups(columns)) }
  var scaleCount: Int { epsilon == nil ? 0 : 1 }
  var scratchBytes: Int { 0 }

  /// The scale is the inverse of the norm.
  func emit(_ b: Builder, _ address: Value, to target: Value, scales: Value, scratch: Value) {
    let lanes = b.target.lanes
    if columns % result.perGroup != 0 {
      b.store(b.constant32(0), b.offset(target, bytes: columns / result.perGroup * 4))
    }
    let sums = b.visitRow(columns: columns, sums: b.floats(0, lanes)) { bytes, count, sum in
      func place(_ type: ElementType) -> Value {
        type == .f32 ? bytes : b.divide(bytes, b.constant(type.perGroup))
      }
      let x = b.loadElements(element, b.offset(address, place(element)), lanes, count: count)
      b.storeElements(result, x, b.offset(target, place(result)), count: count)
      return epsilon == nil ? sum : b.multiplyAdd(x, x, sum)
    }
    if let epsilon {
      b.store(RowNorm(columns: columns, epsilon: epsilon).finish(b, b.total(sums)), scales)
    }
  }
}
