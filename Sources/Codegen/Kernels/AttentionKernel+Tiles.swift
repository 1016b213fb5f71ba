/// The units of an attention's work: one head and one tile of rows of queries, in head order.
extension AttentionKernel {
  /// A tile of rows of queries of one head.
  struct RowsOfHead {
    /// The head, and its window; `nil`: there is one.
    let head: Value
    let window: Value?
    /// The number of the first row in its window, and how many rows there are.
    let row: Value
    let height: Value
    /// The addresses of the first row's queries and result.
    let queries: Value
    let output: Value
  }

  /// Emits the units of a task: `pack` at each head that it comes to, given the addresses of the
  /// head's keys and values, then `body` for each tile of at most `height` rows.
  func eachTile(
    _ b: Builder, _ p: Arguments<Parameter>, height: Int,
    pack: (_ keys: Value, _ values: Value) -> Void, _ body: (RowsOfHead) -> Void
  ) {
    let tiles = RowTiles.count(rows: queries, height: height)
    let perHead = b.constant(tiles)
    let (first, end) = b.share(
      of: b.constant(windows * heads * tiles), p[.task], of: p[.count])
    let afterLast = b.divide(b.add(end, b.constant(tiles - 1)), perHead)
    b.ifThen(b.less(first, end)) {
      b.forLoop(from: b.divide(first, perHead), to: afterLast) { index, _ in
        let size = element.sizeBytes
        let head = windows == 1 ? index : b.remainder(index, b.constant(heads))
        let window = windows == 1 ? nil : b.divide(index, b.constant(heads))
        func inWindow(_ base: Value, rows: Int, stride: Int) -> Value {
          guard let window else { return base }
          return b.offset(base, b.multiply(window, b.constant(rows * stride)))
        }
        let bytes = b.multiply(head, b.constant(headDim * size))
        let q = inWindow(p[.q], rows: queries, stride: qStride * size)
        let k = inWindow(p[.k], rows: tokens, stride: kStride * size)
        let v = inWindow(p[.v], rows: tokens, stride: vStride * size)
        let output = inWindow(p[.output], rows: queries, stride: outputStride * size)
        pack(b.offset(k, bytes), b.offset(v, bytes))
        let start = b.multiply(index, perHead)
        let firstTile = b.maximum(b.subtract(first, start), b.constant(0))
        let endTile = b.minimum(b.subtract(end, start), perHead)
        let (base, extra) = (queries / tiles, queries % tiles)
        b.forLoop(from: firstTile, to: endTile) { tile, _ in
          let row = b.add(
            b.multiply(tile, b.constant(base)), b.minimum(tile, b.constant(extra)))
          body(
            RowsOfHead(
              head: head, window: window, row: row,
              height: b.select(
                b.less(tile, b.constant(extra)), b.constant(base + 1), b.constant(base)),
              queries: b.offset(
                b.offset(q, b.multiply(row, b.constant(qStride * size))), bytes),
              output: b.offset(
                b.offset(output, b.multiply(row, b.constant(outputStride * size))), bytes)))
          return []
        }
        return []
      }
    }
  }
}
