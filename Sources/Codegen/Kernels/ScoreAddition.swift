import IR

/// What is added to the scores of an attention.
///
/// The kernel reads it by rows of a tile of queries, as long as the tokens: as they lie in memory,
/// or made up in the tile's scratch memory.
enum ScoreAddition: Hashable {
  /// Nothing.
  case none
  /// A number for each head, query and token, whose rows are so many elements apart, for all
  /// windows the same or for each kind of them.
  case matrix(stride: Int, kinds: WindowKinds?)
  /// The sum of a number for the row and of one for the column of the token's place on a grid:
  /// `[queries, heads * rows]` and `[queries, heads * columns]`, rows so many elements apart.
  case grid(rows: Int, columns: Int, rowStride: Int, columnStride: Int)
  /// A number by the places of query and token relative to each other, from a table for each head,
  /// so many elements apart.
  case places(RelativePlaces, stride: Int)

  /// The addresses of a tile's first row.
  struct Address {
    /// Of places: the head's table.
    var scores: Value
    /// Only of a grid.
    var columns: Value
    /// The number of the row's query, and that of its window.
    var query: Value
    var window: Value
  }

  /// Elements from one row that the kernel reads to the next; `nil`: there is nothing to add.
  func stride(tokens: Int) -> Int? {
    switch self {
    case .none: nil
    case .matrix(let stride, _): stride
    case .grid, .places: tokens
    }
  }

  /// The scratch memory for a tile of rows.
  func scratchBytes(tokens: Int, _ target: Target) -> Int {
    switch self {
    case .none, .matrix: 0
    // Whole cache lines.
    case .grid, .places: (target.tileRows * tokens * 4 + 63) / 64 * 64
    }
  }

  /// Emits the addresses for the tile whose first query is `row` of a window.
  ///
  /// - Parameter window: `nil`: there is one.
  func address(
    _ b: Builder, _ attention: AttentionKernel, _ p: Arguments<AttentionKernel.Parameter>,
    head: Value, window: Value?, row: Value
  ) -> Address {
    let queries = b.constant(attention.queries)
    func address(_ scores: Value, _ columns: Value) -> Address {
      Address(scores: scores, columns: columns, query: row, window: window ?? b.constant(0))
    }
    switch self {
    case .none: return address(p[.scores], p[.columnScores])
    case .matrix(let stride, let kinds):
      var map = head
      if let kinds, let window {
        map = b.add(b.multiply(kind(b, of: window, kinds), b.constant(attention.heads)), head)
      }
      let first = b.add(b.multiply(map, queries), row)
      let scores = b.element(p[.scores], b.multiply(first, b.constant(stride)))
      return address(scores, scores)
    case .grid(let rows, let columns, let rowStride, let columnStride):
      let query = window.map { b.add(b.multiply($0, queries), row) } ?? row
      func line(_ base: Value, _ stride: Int, _ extent: Int) -> Value {
        b.element(
          base,
          b.add(b.multiply(query, b.constant(stride)), b.multiply(head, b.constant(extent))))
      }
      return address(
        line(p[.rowScores], rowStride, rows), line(p[.columnScores], columnStride, columns))
    case .places(_, let stride):
      let table = b.element(p[.scores], b.multiply(head, b.constant(stride)))
      return address(table, table)
    }
  }

  /// Emits the kind of a window.
  private func kind(_ b: Builder, of window: Value, _ kinds: WindowKinds) -> Value {
    func kind(_ index: Value, _ axis: Int) -> Value {
      let isBefore = b.less(index, b.constant(kinds.windows[axis] - 1))
      return b.select(isBefore, b.constant(0), b.constant(kinds.extents[axis] - 1))
    }
    let columns = b.constant(kinds.windows[1])
    return b.add(
      b.multiply(kind(b.divide(window, columns), 0), b.constant(kinds.extents[1])),
      kind(b.remainder(window, columns), 1))
  }

  /// Emits what it takes to have `count` rows at one address, and returns that.
  func rows(
    _ b: Builder, _ attention: AttentionKernel, _ address: Address, _ count: Int, _ scratch: Value
  ) -> Value {
    switch self {
    case .none, .matrix: return address.scores
    case .places(let places, _):
      b.call(
        ScoreTableRows(places: places),
        [
          .table: address.scores, .rows: scratch, .query: address.query, .window: address.window,
          .count: b.constant(count),
        ])
    case .grid(let rows, let columns, let rowStride, let columnStride):
      sums(b, attention, address, count, scratch, rows, columns, rowStride, columnStride)
    }
    return scratch
  }

  /// Emits rows of the sums of a grid's numbers.
  private func sums(
    _ b: Builder, _ attention: AttentionKernel, _ address: Address, _ count: Int, _ scratch: Value,
    _ rows: Int, _ columns: Int, _ rowStride: Int, _ columnStride: Int
  ) {
    let lanes = b.target.lanes
    b.forLoop(from: b.constant(0), to: b.constant(count)) { row, _ in
      let ofRows = b.element(address.scores, b.multiply(row, b.constant(rowStride)))
      let ofColumns = b.element(address.columns, b.multiply(row, b.constant(columnStride)))
      let line = b.element(scratch, b.multiply(row, b.constant(attention.tokens)))
      b.forLoop(from: b.constant(0), to: b.constant(rows)) { place, _ in
        let term = b.splat(b.load(b.f32, b.element(ofRows, place)), lanes)
        let to = b.element(line, b.multiply(place, b.constant(columns)))
        b.visitRow(columns: columns) { bytes, count in
          let other = b.loadFloats(b.offset(ofColumns, bytes), lanes, count: count)
          b.storeFloats(b.addFloat(term, other), b.offset(to, bytes), count: count)
        }
        return []
      }
      return []
    }
  }
}
