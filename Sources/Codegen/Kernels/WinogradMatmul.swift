import IR

/// The matmuls of some rows of tiles with one panel at every frequency: `M[f] = V[f] U[f]`, each a
/// small fused linear layer.
struct WinogradMatmul: Kernel {
  enum Parameter: KernelParameter {
    /// `rows` counts rows of tiles.
    case v, u, m, rows
    var type: ParameterType { self == .rows ? .index : .address }
    var isUnaliased: Bool { self == .u || self == .m }
  }

  var frequencies: Int
  /// The tiles come by so many, one or more rows of tiles.
  var tileColumns: Int
  var mostRows: Int
  /// The length of each sum.
  var channels: Int
  /// Elements from one tile to the next of V; those of M have `Tile.panelWidth`.
  var aStride: Int
  /// Elements from one frequency to the next of V and of M.
  var aFrequencyStride: Int
  var cFrequencyStride: Int
  /// The steps of one accumulator in a block of a sum, at most.
  var summationBlock = Tile.standardSummationBlock

  var title: String { "winograd_matmul_\(tileColumns)x\(channels)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let tiles = b.multiply(p[.rows], b.constant(tileColumns))
    let panelBytes = channels * Tile.panelWidth * 4
    b.forLoop(from: b.constant(0), to: b.constant(frequencies)) { frequency, _ in
      func at(_ base: Value, bytes: Int) -> Value {
        b.offset(base, b.multiply(frequency, b.constant(bytes)))
      }
      let panel = at(p[.u], bytes: panelBytes)
      for part in 0..<Tile.panelWidth / b.target.tileColumns {
        emit(
          b, at(p[.v], bytes: aFrequencyStride * 4), panel,
          at(p[.m], bytes: cFrequencyStride * 4), tiles: tiles, part: part)
      }
      return []
    }
  }

  /// Emits the matmul at one frequency with one part of the panel.
  private func emit(
    _ b: Builder, _ a: Value, _ panel: Value, _ c: Value, tiles: Value, part: Int
  ) {
    let target = b.target
    let heights = (1...mostRows).reduce(into: Set<Int>()) {
      $0.formUnion(RowTiles.heights(rows: $1 * tileColumns, height: target.tileRows))
    }
    let division = RowTiles(b, rows: tiles, height: target.tileRows)
    let shape = Tile(
      rows: 1, columns: target.tileColumns, depth: channels, aStride: aStride,
      cStride: Tile.panelWidth,
      accumulators: Tile.accumulators(forRows: mostRows * tileColumns, on: target),
      prefetchTiles: min(4, Tile.panelWidth / target.tileColumns), summationBlock: summationBlock)
    let loop = TileLoop(shape, b)
    let columnBytes = part * target.tileColumns * 4
    let right = b.offset(panel, bytes: columnBytes)
    // The next frequency, or the next panel, follows this one.
    let ahead = b.offset(panel, bytes: channels * Tile.panelWidth * 4)
    division.forEach { index, row, rows in
      let left = b.element(a, b.multiply(row, b.constant(aStride)))
      let result = b.offset(
        b.element(c, b.multiply(row, b.constant(Tile.panelWidth))), bytes: columnBytes)
      let order = b.add(index, b.multiply(division.count, b.constant(part)))
      let prefetch = loop.prefetch(order: order, ahead: ahead, here: right)
      b.choose(rows, among: heights.sorted()) { rows in
        var tile = shape
        tile.rows = rows
        b.call(
          tile,
          [
            .a: left, .panel: right, .c: result, .bias: left, .residual: left, .scales: left,
            .ahead: prefetch.ahead, .step: prefetch.step,
          ])
      }
    }
  }
}
