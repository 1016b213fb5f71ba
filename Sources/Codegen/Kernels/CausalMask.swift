/// Which columns of a row of scores are seen: the first so many.
///
/// The number is known when the code runs. Of a causal attention query `t` sees `t + 1` tokens.
struct CausalMask {
  /// How many columns are seen, counted from the first of those that are visited; it may be
  /// negative or more than there are.
  let visible: Value

  /// Emits a vector's lanes that are seen: those of `lanes` columns from `first` on.
  func lanes(_ b: Builder, from first: Value, _ lanes: Int) -> Value {
    let columns = b.constantVector((0..<lanes).map { b.constant32($0) })
    return b.less(columns, b.splat(b.truncate(b.subtract(visible, first), to: b.i32), lanes))
  }

  /// Emits, over a row of `columns` floats: what is not seen becomes `value`.
  func hide(_ b: Builder, _ row: Value, columns: Int, as value: Float) {
    let lanes = b.target.lanes
    b.visitRow(columns: columns) { bytes, count in
      let place = b.offset(row, bytes)
      let mask = self.lanes(b, from: b.divide(bytes, b.constant(4)), lanes)
      let seen = b.select(
        mask, b.loadFloats(place, lanes, count: count), b.floats(value, lanes))
      b.storeFloats(seen, place, count: count)
    }
  }
}
