/// The parts of an attention's work: one head and one tile of rows of queries, in head order.
extension AttentionKernel {
  /// The tiles of a piece: whoever helps packs the keys and values of its head first.
  private static let pieceTiles = 8

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

  /// Emits the share of a task: `pack` at each head that it comes to, given the addresses of the
  /// head's keys and values, then `body` for each tile of at most `height` rows.
  func eachTile(
    _ b: Builder, _ p: Arguments<Parameter>, height: Int,
    pack: (_ keys: Value, _ values: Value) -> Void, _ body: (RowsOfHead) -> Void
  ) {
    let tiles = RowTiles.count(rows: queries, height: height)
    let perHead = b.constant(tiles)
    let (first, end) = b.share(
      of: b.constant(windows * heads * tiles), p[.task], of: p[.count])
    let pieceTiles = b.constant(min(Self.pieceTiles, tiles))
    let pieces = b.divide(
      b.add(b.subtract(end, first), b.subtract(pieceTiles, b.constant(1))), pieceTiles)
    b.forEach(Pieces(p), of: pieces, carrying: [b.constant(-1)]) { piece, packed in
      let from = b.add(first, b.multiply(piece, pieceTiles))
      let to = b.minimum(b.add(from, pieceTiles), end)
      let afterLast = b.divide(b.add(to, b.constant(tiles - 1)), perHead)
      return b.forLoop(from: b.divide(from, perHead), to: afterLast, carrying: packed) {
        index, packed in
        let head = head(b, p, index)
        b.ifThen(b.notEqual(index, packed[0])) { pack(head.keys, head.values) }
        let start = b.multiply(index, perHead)
        let firstTile = b.maximum(b.subtract(from, start), b.constant(0))
        let endTile = b.minimum(b.subtract(to, start), perHead)
        b.forLoop(from: firstTile, to: endTile) { tile, _ in
          body(rows(b, tile, of: head, tiles: tiles))
          return []
        }
        return [index]
      }
    }
  }

  /// A head of a window, and where its operands and its result are.
  private struct Head {
    let head: Value
    let window: Value?
    let queries: Value
    let keys: Value
    let values: Value
    let output: Value
  }

  /// The head with a number: those of a window follow each other.
  private func head(_ b: Builder, _ p: Arguments<Parameter>, _ index: Value) -> Head {
    let size = element.sizeBytes
    let head = windows == 1 ? index : b.remainder(index, b.constant(heads))
    let window = windows == 1 ? nil : b.divide(index, b.constant(heads))
    let bytes = b.multiply(head, b.constant(headDim * size))
    func place(_ base: Value, rows: Int, stride: Int) -> Value {
      guard let window else { return b.offset(base, bytes) }
      return b.offset(b.offset(base, b.multiply(window, b.constant(rows * stride * size))), bytes)
    }
    return Head(
      head: head, window: window, queries: place(p[.q], rows: queries, stride: qStride),
      keys: place(p[.k], rows: tokens, stride: kStride),
      values: place(p[.v], rows: tokens, stride: vStride),
      output: place(p[.output], rows: queries, stride: outputStride))
  }

  /// A tile of the rows of a head.
  private func rows(_ b: Builder, _ tile: Value, of head: Head, tiles: Int) -> RowsOfHead {
    let size = element.sizeBytes
    let (base, extra) = (queries / tiles, queries % tiles)
    let row = b.add(b.multiply(tile, b.constant(base)), b.minimum(tile, b.constant(extra)))
    return RowsOfHead(
      head: head.head, window: head.window, row: row,
      height: b.select(b.less(tile, b.constant(extra)), b.constant(base + 1), b.constant(base)),
      queries: b.offset(head.queries, b.multiply(row, b.constant(qStride * size))),
      output: b.offset(head.output, b.multiply(row, b.constant(outputStride * size))))
  }
}
