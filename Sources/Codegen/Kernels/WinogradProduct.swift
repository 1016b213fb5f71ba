import IR

/// The products of some rows of tiles with one panel at every frequency: `M[f] = V[f] U[f]`, each a
/// small contraction.
struct WinogradProduct: Kernel {
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
  /// The steps of one chain in a part of a sum, at most.
  var part = Tile.partSteps

  var title: String { "winograd_product_\(tileColumns)x\(channels)" }

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

  /// Emits the product at one frequency with one part of the panel.
  private func emit(
    _ b: Builder, _ a: Value, _ panel: Value, _ c: Value, tiles: Value, part: Int
  ) {
    let target = b.target
    let heights = (1...mostRows).reduce(into: Set<Int>()) {
      $0.formUnion(RowTiles.heights(rows: $1 * tileColumns, height: target.tileRows))
    }
    let height = b.constant(target.tileRows)
    let count = b.divide(b.add(tiles, b.constant(target.tileRows - 1)), height)
    let base = b.divide(tiles, count)
    let extra = b.remainder(tiles, count)
    let shape = Tile(
      rows: 1, columns: target.tileColumns, depth: channels, aStride: aStride,
      cStride: Tile.panelWidth,
      chains: Tile.chains(forRows: mostRows * tileColumns, on: target),
      bringers: min(4, Tile.panelWidth / target.tileColumns), part: self.part)
    let columnBytes = part * target.tileColumns * 4
    let right = b.offset(panel, bytes: columnBytes)
    // The next frequency, or the next panel, follows this one.
    let ahead = b.offset(panel, bytes: channels * Tile.panelWidth * 4)
    b.forLoop(from: b.constant(0), to: count, carrying: [b.constant(0)]) { index, carried in
      let row = carried[0]
      let rows = b.select(b.less(index, extra), b.add(base, b.constant(1)), base)
      let left = b.element(a, b.multiply(row, b.constant(aStride)))
      let result = b.offset(
        b.element(c, b.multiply(row, b.constant(Tile.panelWidth))), bytes: columnBytes)
      let order = b.add(index, b.multiply(count, b.constant(part)))
      let brings = b.less(order, b.constant(shape.bringers))
      let prefetched = b.select(
        brings, b.offset(ahead, b.multiply(order, b.constant(shape.prefetchedBytes))), right)
      let step = b.select(brings, b.constant(shape.prefetchStep), b.constant(0))
      b.choose(rows, among: heights.sorted()) { rows in
        var tile = shape
        tile.rows = rows
        b.call(
          tile,
          [
            .a: left, .panel: right, .c: result, .bias: left, .residual: left, .scales: left,
            .ahead: prefetched, .step: step,
          ])
      }
      return [b.add(row, rows)]
    }
  }
}
