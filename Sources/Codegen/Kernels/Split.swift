/// How work is divided: exact to the element, the first parts one larger where it does not come out
/// even.
extension Builder {
  /// The range of part `index` of `parts` of `count`.
  func share(of count: Value, _ index: Value, of parts: Value) -> (start: Value, end: Value) {
    let base = divide(count, parts)
    let extra = remainder(count, parts)
    let start = add(multiply(index, base), minimum(index, extra))
    let size = select(less(index, extra), add(base, constant(1)), base)
    return (start, add(start, size))
  }
}

/// A balanced division of rows into register tiles.
struct RowTiles {
  /// The number of tiles of `rows` rows, none higher than `height`.
  static func count(rows: Int, height: Int) -> Int { (rows + height - 1) / height }

  /// The heights that occur when `rows` rows are divided.
  static func heights(rows: Int, height: Int) -> Set<Int> {
    let tiles = count(rows: rows, height: height)
    guard tiles > 0 else { return [] }
    return rows % tiles == 0 ? [rows / tiles] : [rows / tiles, rows / tiles + 1]
  }
}
