/// How tiles bring the next panel into the L2 cache while they multiply: the first few tiles of a
/// panel each take a part of it, some lines in each round.
struct PanelPrefetch {
  let b: Builder
  /// The steps of the depth in a round.
  let steps: Int
  /// The rounds of a tile.
  let rounds: Int
  /// How many tiles together bring the panel in; 0: none does.
  let tiles: Int

  private var lineBytes: Int { b.target.lineBytes }

  /// The cache lines that the tile prefetches in each round: its part of the panel rows of a round.
  private var lines: Int {
    let lines = steps * Tile.panelWidth * 4 / lineBytes
    return tiles == 0 ? 0 : (lines + tiles - 1) / tiles
  }

  /// Emits the prefetches of one round.
  func emit(_ ahead: Value) {
    for line in 0..<lines { b.prefetchL2(b.offset(ahead, bytes: line * lineBytes)) }
  }

  /// Emits where the tile `order` of a panel begins to prefetch, and how far it moves in a round.
  ///
  /// The first tiles bring in the next panel, which is at `ahead`; the others ask for lines that
  /// are there already, at `here`.
  func place(order: Value, ahead: Value, here: Value) -> (ahead: Value, step: Value) {
    let stepBytes = lines * lineBytes
    let tileBytes = rounds * stepBytes
    let brings = b.less(order, b.constant(tiles))
    let own = b.offset(ahead, b.multiply(order, b.constant(tileBytes)))
    return (b.select(brings, own, here), b.select(brings, b.constant(stepBytes), b.constant(0)))
  }
}

extension TileLoop {
  /// The row tasks that prefetches are sized for.
  ///
  /// Each task brings a panel into a cache of its own, with the tiles that it has. Sized for fewer
  /// tasks, those that have fewer tiles would leave out part of the panel; for more, a task with
  /// many tiles would ask for all of it in the first few.
  static let mostRowTasks = 32

  /// The number of tiles that bring a panel in when each prefetches `lines` cache lines in a round
  /// of four steps.
  static func prefetchTiles(forLines lines: Int, on target: Target) -> Int {
    lines == 0 ? 0 : (4 * Tile.panelWidth * 4 / target.lineBytes + lines - 1) / lines
  }

  private var panel: PanelPrefetch {
    PanelPrefetch(
      b: b, steps: micro.unroll, rounds: tile.addressing.runs * rounds, tiles: tile.prefetchTiles)
  }

  /// Emits the prefetches of one round.
  func prefetchLines(_ ahead: Value) { panel.emit(ahead) }

  /// Emits where the tile `order` of a panel begins to prefetch, and how far it moves in a round
  /// (``PanelPrefetch/place(order:ahead:here:)``).
  func prefetch(order: Value, ahead: Value, here: Value) -> (ahead: Value, step: Value) {
    panel.place(order: order, ahead: ahead, here: here)
  }
}
