import IR

/// A row of a contraction's left matrix, rounded to the type of the factors into private memory:
/// each task does so for its own rows, while it finds their norms.
///
/// Rows of a residual stream are f32, for the sums to come; this spares a second copy in memory.
struct RoundedRow {
  /// The elements of the row, and from one to the next.
  let columns: Int
  let distance: Int
  /// Their type, and the one that is multiplied.
  let element: ElementType
  let factors: ElementType
  /// The term in the row's norm; `nil`: none is wanted.
  let epsilon: Float?

  /// `true` iff rows cannot be multiplied where they lie: they are of another type, or begin or end
  /// within a word, or are read for their norm anyway.
  var isNeeded: Bool {
    factors == .bf16
      && (element != .bf16 || columns % 2 != 0 || distance % 2 != 0 || epsilon != nil)
  }

  /// Words from one row to the next: whole cache lines, one of them padding, and never a multiple
  /// of 4 KB.
  var stride: Int {
    let padded = ((columns * factors.sizeBytes + 63) / 64 + 1) * 16
    return padded * 4 % 4096 == 0 ? padded + 16 : padded
  }

  /// Emits it for the row at `address`, and returns the inverse of its norm if that is wanted.
  func emit(_ b: Builder, _ address: Value, to target: Value) -> Value? {
    let lanes = b.target.lanes
    if columns % 2 != 0 {
      b.store(b.constant32(0), b.offset(target, bytes: columns / 2 * 4))
    }
    let sums = b.visitRow(columns: columns, sums: b.floats(0, lanes)) { bytes, count, sum in
      let from = element == .f32 ? bytes : b.divide(bytes, b.constant(2))
      let x = b.loadElements(element, b.offset(address, from), lanes, count: count)
      b.storeElements(
        .bf16, x, b.offset(target, b.divide(bytes, b.constant(2))), count: count)
      return epsilon == nil ? sum : b.multiplyAdd(x, x, sum)
    }
    return epsilon.map { RowNorm(columns: columns, epsilon: $0).finish(b, b.total(sums)) }
  }
}
