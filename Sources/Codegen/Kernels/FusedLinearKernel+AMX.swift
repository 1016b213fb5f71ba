import IR

/// A fused linear layer by AMX: blocks of 32 rows, and of 16 where the number of tiles is odd.
extension FusedLinearKernel {
  /// `true` iff the products are AMX's.
  ///
  /// Not of so few rows that sums have several accumulators: they wait for the weights.
  func usesAMX(_ target: Target) -> Bool {
    target.hasAMX && AMXProduct.multiplies(operandType)
      && Tile.accumulators(forRows: rows, on: target) == 1
  }

  /// The rows of a tile: a task has fewer than a whole tile only where the layer has.
  private var amxRows: Int { min(AMXConfiguration.extent, rows) }

  /// A block; of two tiles, if it is a pair.
  private func amxBlock(_ target: Target, isPair: Bool, width: Int) -> AMXBlock {
    var tile = registerTile(target, width: width)
    tile.rows = amxRows
    tile.prefetchTiles = amxPrefetchTiles
    return AMXBlock(tile: tile, isPair: isPair)
  }

  /// The blocks of a panel that prefetch the next one, as ``prefetchTiles(_:)`` has it for tiles.
  private var amxPrefetchTiles: Int {
    let own = rows / min(TileLoop.mostRowTasks, rowTasks)
    return min(4, max(1, (own + 2 * amxRows - 1) / (2 * amxRows)))
  }

  /// Which blocks occur for any number of tasks: single tiles, pairs.
  private var amxBlocks: (single: Bool, pair: Bool) {
    let tiles = (1...rowTasks).flatMap { [rows / $0, (rows + $0 - 1) / $0] }
      .map { RowTiles.count(rows: $0, height: amxRows) }
    return (tiles.contains { $0 % 2 == 1 }, tiles.contains { $0 > 1 })
  }

  /// Emits the shapes of the tiles, for all blocks of a task.
  func configureAMX(_ b: Builder) {
    var configuration = AMXConfiguration()
    configuration.add(
      amxBlock(b.target, isPair: amxBlocks.pair, width: min(columns, Tile.panelWidth)).product)
    b.configureTiles(b.data("amx_tiles", configuration.data))
  }

  /// Emits all rows of a task against `width` columns of a panel.
  ///
  /// The first tile is alone if their number is odd, so that the last, which may have rows of the
  /// one before, is the second of a pair.
  func multiplyByAMX(
    _ b: Builder, _ p: Arguments<Parameter>, _ band: Band, _ place: ColumnPlace, width: Int
  ) {
    let extent = b.constant(amxRows)
    let tiles = b.divide(b.add(band.count, b.constant(amxRows - 1)), extent)
    let odd = b.remainder(tiles, b.constant(2))
    func call(_ order: Value, _ first: Value, second: Value, isPair: Bool) {
      let block = amxBlock(b.target, isPair: isPair, width: width)
      let at = addresses(b, p, band, place, from: first)
      let prefetch = block.prefetch(b).place(
        order: order, ahead: place.ahead, here: place.panel)
      b.call(
        block,
        [
          .a: at.a, .panel: place.panel, .c: at.c, .bias: at.bias, .residual: at.residual,
          .scales: at.scales, .ahead: prefetch.ahead, .step: prefetch.step, .second: second,
        ])
    }
    if amxBlocks.single {
      b.ifThen(b.less(b.constant(0), odd)) {
        call(b.constant(0), b.constant(0), second: b.constant(0), isPair: false)
      }
    }
    guard amxBlocks.pair else { return }
    b.forLoop(from: b.constant(0), to: b.divide(tiles, b.constant(2))) { pair, _ in
      let first = b.multiply(b.add(b.multiply(pair, b.constant(2)), odd), extent)
      let second = b.minimum(extent, b.subtract(b.subtract(band.count, extent), first))
      call(b.add(pair, odd), first, second: second, isPair: true)
      return []
    }
  }
}
