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

  /// Emits `body` for each vector of columns in part `index` of `parts`: where it begins, in
  /// bytes from the start of a row of floats, and how many of its columns there are.
  func forColumns(
    _ columns: Int, _ index: Value, of parts: Value,
    _ body: (_ offsetBytes: Value, _ count: Int) -> Void
  ) {
    let lanes = target.lanes
    let groups = columns / lanes
    let tail = columns % lanes
    let all = constant(groups + (tail > 0 ? 1 : 0))
    let (first, end) = share(of: all, index, of: parts)
    forLoop(from: first, to: minimum(end, constant(groups))) { group, _ in
      body(multiply(group, constant(lanes * 4)), lanes)
      return []
    }
    guard tail > 0 else { return }
    ifThen(and(equal(end, all), less(first, end))) {
      body(constant(groups * lanes * 4), tail)
    }
  }

  /// Emits `body` for each tile of the columns of a panel, whose number and width it gets; the last
  /// of all `columns` may be narrower.
  func forTiles(
    ofPanel panel: Value, columns: Int, _ body: (_ tile: Value, _ width: Int) -> Void
  ) {
    let perPanel = Tile.panelWidth / target.tileColumns
    let (whole, ragged) = (columns / target.tileColumns, columns % target.tileColumns)
    let first = multiply(panel, constant(perPanel))
    forLoop(from: first, to: minimum(add(first, constant(perPanel)), constant(whole))) { tile, _ in
      body(tile, target.tileColumns)
      return []
    }
    guard ragged > 0 else { return }
    ifThen(equal(panel, constant(whole / perPanel))) { body(constant(whole), ragged) }
  }

  /// Emits the division of `count` tasks in two directions, rows first: of the divisions of the
  /// rows among at most `rowTasks`, the one that leaves the fewest tasks idle, and of those the
  /// largest.
  ///
  /// What a task writes it reads again in the next operations, if these divide the rows too: then
  /// nothing passes from one core to another. (ViT-B/16 on 2 threads, fused linear layers by
  /// Strassen's algorithm: 134 ms by rows, 137 ms by columns.)
  func taskGrid(
    count: Value, rowTasks: Int, columnTasks: Int
  ) -> (rows: Value, columns: Value) {
    func columns(_ rows: Value) -> Value { minimum(divide(count, rows), constant(columnTasks)) }
    guard rowTasks > 1 else { return (constant(1), columns(constant(1))) }
    let most = minimum(count, constant(rowTasks))
    let best = forLoop(
      from: constant(1), to: add(most, constant(1)), carrying: [constant(1), constant(0)]
    ) { rows, carried in
      let used = multiply(rows, columns(rows))
      let better = less(used, carried[1])
      return [select(better, carried[0], rows), select(better, carried[1], used)]
    }
    return (best[0], columns(best[0]))
  }
}

/// A balanced division of rows into register tiles.
struct RowTiles {
  private let b: Builder
  /// The number of tiles.
  let count: Value
  private let all: Value
  private let base: Value
  private let extra: Value
  private let unit: Int

  /// Emits the division of `rows` rows, of which there are some, into tiles that are none higher
  /// than `height` and begin at multiples of `unit`, which `height` is one of.
  init(_ b: Builder, rows: Value, height: Int, unit: Int = 1) {
    (self.b, all, self.unit) = (b, rows, unit)
    count = b.divide(b.add(rows, b.constant(height - 1)), b.constant(height))
    let units =
      unit == 1 ? rows : b.divide(b.add(rows, b.constant(unit - 1)), b.constant(unit))
    base = b.divide(units, count)
    extra = b.remainder(units, count)
  }

  /// Emits a loop over the tiles: the index of each, its first row, its rows.
  func forEach(_ body: (_ index: Value, _ first: Value, _ rows: Value) -> Void) {
    b.forLoop(from: b.constant(0), to: count, carrying: [b.constant(0)]) { index, carried in
      let rows = rows(of: index, from: carried[0])
      body(index, carried[0], rows)
      return [b.add(carried[0], rows)]
    }
  }

  /// Emits a loop over the tiles that goes on numbering them from `order`; returns the number of
  /// the next tile.
  func forEach(
    numberedFrom order: Value, _ body: (_ order: Value, _ first: Value, _ rows: Value) -> Void
  ) -> Value {
    b.forLoop(from: b.constant(0), to: count, carrying: [b.constant(0), order]) { index, carried in
      let rows = rows(of: index, from: carried[0])
      body(carried[1], carried[0], rows)
      return [b.add(carried[0], rows), b.add(carried[1], b.constant(1))]
    }[1]
  }

  private func rows(of index: Value, from first: Value) -> Value {
    let units = b.select(b.less(index, extra), b.add(base, b.constant(1)), base)
    guard unit > 1 else { return units }
    return b.minimum(b.multiply(units, b.constant(unit)), b.subtract(all, first))
  }

  /// The number of tiles of `rows` rows, none higher than `height`.
  static func count(rows: Int, height: Int) -> Int { (rows + height - 1) / height }

  /// The heights that occur when `rows` rows are divided into tiles that begin at multiples of
  /// `unit`.
  static func heights(rows: Int, height: Int, unit: Int = 1) -> Set<Int> {
    let tiles = count(rows: rows, height: height)
    guard tiles > 0 else { return [] }
    let units = (rows + unit - 1) / unit
    let (base, extra) = (units / tiles, units % tiles)
    var (left, heights) = (rows, Set<Int>())
    for index in 0..<tiles {
      // The last tile has the rest of the last unit.
      let own = min((base + (index < extra ? 1 : 0)) * unit, left)
      heights.insert(own)
      left -= own
    }
    return heights
  }
}
