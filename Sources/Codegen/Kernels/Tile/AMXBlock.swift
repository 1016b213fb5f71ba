import IR

/// A block of a matmul by AMX: one tile of rows, or two, by the columns of a panel.
///
/// `A` and the panel are those of a ``Tile`` of vectors: a row of 16 groups of `A` is a row of a
/// left tile, 16 rows of the panel are a right one. The sums go to the stack, then the epilogue
/// goes over them row by row, with the operations of the tiles of vectors. Rows that are no whole
/// tile are multiplied with some before them, which come out the same again: the second tile of a
/// pair begins as many rows after the first as are to be added, and nothing is read past the last
/// row.
///
/// Cost on 32 rows and columns, for 16 groups of the depth: four loads of tiles, 8 cycles each, and
/// four products, 16 cycles each (Intel's optimization manual, volume 1, chapter on AMX).
struct AMXBlock: Kernel {
  enum Parameter: KernelParameter {
    /// `A`, a panel of `B`, `C`.
    case a, panel, c
    /// Of the columns, of the elements and of the rows; what the epilogue does not ask for is not
    /// read.
    case bias, residual, scales
    /// What is prefetched, and how many bytes further in each round.
    case ahead, step
    /// How many rows after the first tile of a pair the second begins, 1...16.
    case second
    var type: ParameterType { self == .step || self == .second ? .index : .address }
    var isUnaliased: Bool { self == .panel }
  }

  /// What each tile of rows is, its rows 1...16 and its columns 1...32; of its numbers about the
  /// loop of vectors none is read but how many blocks bring the next panel in.
  var tile: Tile
  /// `true` iff there are two tiles of rows.
  var isPair: Bool

  var title: String {
    "amx_\(isPair ? 2 * tile.rows : tile.rows)x\(tile.columns)x\(tile.depth)"
      + "_\(tile.operandType.rawValue)"
  }

  /// What is multiplied.
  var product: AMXProduct {
    AMXProduct(
      tile.operandType, rows: tile.rows, depth: tile.depth, aStride: tile.aStride,
      rowTiles: isPair ? 2 : 1,
      columnTiles: (tile.columns + AMXConfiguration.extent - 1) / AMXConfiguration.extent)
  }

  /// How the next panel is brought in.
  func prefetch(_ b: Builder) -> PanelPrefetch {
    PanelPrefetch(
      b: b, steps: AMXConfiguration.extent, rounds: product.rounds,
      tiles: tile.prefetchTiles)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let rows = tile.rows
    let sums = b.stackMemory(
      bytes: (isPair ? 2 : 1) * rows * AMXProduct.sumStrideBytes, alignment: 64)
    let second = b.multiply(p[.second], b.constant(tile.aStride * 4))
    let secondSums = b.multiply(p[.second], b.constant(AMXProduct.sumStrideBytes))
    product.emit(
      b, a: [p[.a]] + (isPair ? [b.offset(p[.a], second)] : []), panel: p[.panel],
      ahead: p[.ahead], step: p[.step],
      to: [sums] + (isPair ? [b.offset(sums, secondSums)] : []),
      prefetch: prefetch(b).emit)
    tile.finishRows(
      b, isPair ? b.add(p[.second], b.constant(rows)) : b.constant(rows), of: sums,
      strideBytes: AMXProduct.sumStrideBytes,
      [
        .a: p[.a], .panel: p[.panel], .c: p[.c], .bias: p[.bias], .residual: p[.residual],
        .scales: p[.scales], .ahead: p[.ahead], .step: p[.step],
      ])
  }
}
