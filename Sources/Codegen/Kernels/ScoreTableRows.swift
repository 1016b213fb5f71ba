import IR

/// Rows of what is added to the scores of one head, by the places of query and key relative to each
/// other.
///
/// The table of a head is read backwards from the farthest place (`relative_bias_table`), so that
/// the keys of a row of the grid follow each other in it as they do in a row of scores: a row is
/// made of as many pieces as the grid has rows, each copied from one place. What is on another side
/// of a window's seam has a number subtracted. Cost: a load and a store of each element, where a
/// table of all pairs would be read from memory.
struct ScoreTableRows: Kernel {
  enum Parameter: KernelParameter {
    /// The table of the head, and where the rows go.
    case table, rows
    /// The number of the first query, that of its window, and the number of rows.
    case query, window, count

    var type: ParameterType {
      switch self {
      case .table, .rows: .address
      case .query, .window, .count: .index
      }
    }
    var isUnaliased: Bool { self == .rows }
  }

  /// The places, which have the tokens of the rows.
  var places: RelativePlaces

  private var rows: Int { places.grid[0] }
  private var columns: Int { places.grid[1] }
  /// The distances along a row.
  private var width: Int { 2 * columns - 1 }
  /// The numbers for distances.
  private var distances: Int { (2 * rows - 1) * width }

  var title: String { "score_table_\(rows)x\(columns)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    b.forLoop(from: b.constant(0), to: p[.count]) { row, _ in
      let query = b.add(p[.query], row)
      let line = b.element(p[.rows], b.multiply(row, b.constant(places.tokens)))
      guard places.hasPrefix else {
        pieces(b, p, query, line)
        return []
      }
      func special(_ index: Int) -> Value {
        b.load(b.f32, b.offset(p[.table], bytes: (distances + index) * 4))
      }
      let afterFirst = b.offset(line, bytes: 4)
      b.ifThen(b.less(query, b.constant(1))) {
        b.store(special(2), line)
        let same = b.splat(special(0), b.target.lanes)
        b.visitRow(columns: rows * columns) { bytes, count in
          b.storeFloats(same, b.offset(afterFirst, bytes), count: count)
        }
      }
      b.ifThen(b.less(b.constant(0), query)) {
        b.store(special(1), line)
        pieces(b, p, b.subtract(query, b.constant(1)), afterFirst)
      }
      return []
    }
  }

  /// Emits the row of a place, a row of keys after the other.
  private func pieces(_ b: Builder, _ p: Arguments<Parameter>, _ place: Value, _ line: Value) {
    let row = b.divide(place, b.constant(columns))
    let column = b.remainder(place, b.constant(columns))
    let seams = places.windows.map { Seams(b, places, $0, window: p[.window]) }
    b.forLoop(from: b.constant(0), to: b.constant(rows)) { keys, _ in
      let distance = b.add(b.subtract(keys, row), b.constant(rows - 1))
      let start = b.add(
        b.multiply(distance, b.constant(width)),
        b.subtract(b.constant(columns - 1), column))
      let from = b.element(p[.table], start)
      let to = b.element(line, b.multiply(keys, b.constant(columns)))
      guard let seams else {
        copy(b, from, to, columns: 0..<columns, subtracting: nil)
        return []
      }
      let seam = columns - places.shift[1]
      let isBeyond = seams.isBelow(b, row, keys)
      let isRight = seams.isRight(b, column)
      for (range, isApart) in [
        (0..<seam, b.or(isBeyond, isRight)),
        (seam..<columns, b.or(isBeyond, seams.isLeft(b, column))),
      ] where !range.isEmpty {
        let separation = b.select(isApart, b.float(places.separation), b.float(0))
        copy(b, from, to, columns: range, subtracting: separation)
      }
      return []
    }
  }

  private func copy(
    _ b: Builder, _ from: Value, _ to: Value, columns: Range<Int>, subtracting: Value?
  ) {
    let lanes = b.target.lanes
    let first = columns.lowerBound * 4
    let (from, to) = (b.offset(from, bytes: first), b.offset(to, bytes: first))
    let separation = subtracting.map { b.splat($0, lanes) }
    b.visitRow(columns: columns.count) { bytes, count in
      var numbers = b.loadFloats(b.offset(from, bytes), lanes, count: count)
      if let separation { numbers = b.subtractFloat(numbers, separation) }
      b.storeFloats(numbers, b.offset(to, bytes), count: count)
    }
  }

  /// Where places that share a window were not neighbours before the image was moved.
  private struct Seams {
    /// The first row and the first column behind the seams.
    let row: Int
    let column: Int
    let isLastRow: Value
    let isLastColumn: Value

    init(_ b: Builder, _ places: RelativePlaces, _ windows: [Int], window: Value) {
      row = places.grid[0] - places.shift[0]
      column = places.grid[1] - places.shift[1]
      let perRow = b.constant(windows[1])
      isLastRow = b.equal(b.divide(window, perRow), b.constant(windows[0] - 1))
      isLastColumn = b.equal(b.remainder(window, perRow), b.constant(windows[1] - 1))
    }

    /// Emits whether two rows are on different sides.
    func isBelow(_ b: Builder, _ query: Value, _ key: Value) -> Value {
      let first = b.constant(row)
      let isApart = b.or(
        b.and(b.less(query, first), b.not(b.less(key, first))),
        b.and(b.less(key, first), b.not(b.less(query, first))))
      return b.and(isLastRow, isApart)
    }

    /// Emits whether a column is behind its seam.
    func isRight(_ b: Builder, _ query: Value) -> Value {
      b.and(isLastColumn, b.not(b.less(query, b.constant(column))))
    }

    /// Emits whether a column is before a seam.
    func isLeft(_ b: Builder, _ query: Value) -> Value {
      b.and(isLastColumn, b.less(query, b.constant(column)))
    }
  }
}
