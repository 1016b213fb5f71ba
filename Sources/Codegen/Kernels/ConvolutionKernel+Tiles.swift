import IR

/// The tiles of a convolution: which rows of the result they are, where their image is, and the
/// moments of what they have written.
extension ConvolutionKernel {
  /// What the tiles of a column have in common.
  struct Place {
    /// The address of the tile's columns in the panel, and of the next panel.
    let right: Value
    let ahead: Value
    /// How far the columns are from the start of a row of the result.
    let columnBytes: Value
    let bias: Value
    /// The first row of the block.
    let blockStart: Value
    let shape: Tile
  }

  /// The tiles of a column and block, at least, that prefetch the next panel: four spread the
  /// requests best.
  func prefetchTiles(_ target: Target) -> Int {
    let units = min(blockUnits, max(1, self.units / min(TileLoop.mostRowTasks, rowTasks)))
    return min(4, units * tilesPerUnit(target))
  }

  /// `true` iff tiles are cut from a small image regardless of its lines, each with displacements
  /// of its own: 49 pixels are 9 tiles of 5 or 6 rows, but 14 where each line is divided.
  private func crossesLines(_ target: Target) -> Bool {
    units == 1 && rows <= ConvolutionKernel.mostCrossing && !image.isStraight
      && RowTiles.count(rows: rows, height: target.tileRows(of: image.operandType))
        < tilesByLine(target)
  }

  /// More pixels than this would be too many tiles with a function of their own.
  private static let mostCrossing = 64

  private func tilesPerUnit(_ target: Target) -> Int {
    let height = target.tileRows(of: image.operandType)
    if image.isStraight || crossesLines(target) {
      return RowTiles.count(rows: unitRows, height: height)
    }
    return tilesByLine(target)
  }

  private func tilesByLine(_ target: Target) -> Int {
    let height = target.tileRows(of: image.operandType)
    let lines = unitRows / lineRows
    let grouped = height / lineRows
    return grouped > 1
      ? RowTiles.count(rows: lines, height: grouped)
      : lines * RowTiles.count(rows: lineRows, height: height)
  }

  /// Emits the tiles of a unit; returns the number of the next tile.
  func tiles(
    _ b: Builder, _ p: Arguments<Parameter>, _ place: Place, from row: Value, to end: Value,
    _ order: Value
  ) -> Value {
    let height = b.target.tileRows(of: image.operandType)
    let base = image.kind == .inPlace ? p[.x] : p[.scratch]
    if image.isStraight {
      let first = image.kind == .dense ? b.subtract(row, place.blockStart) : row
      let strip = Strip(
        a: b.element(base, b.multiply(first, b.constant(image.tileStride))), row: row,
        count: b.subtract(end, row), counts: [unitRows, lastUnitRows], limit: height,
        itemStride: image.tileStride)
      return divide(b, p, place, strip, order)
    }
    if crossesLines(b.target) { return crossing(b, p, place, base, order) }
    let line = b.divide(row, b.constant(lineRows))
    let endLine = b.divide(end, b.constant(lineRows))
    func address(_ line: Value) -> Value {
      b.element(base, b.multiply(line, b.constant(image.tileLineStride)))
    }
    let grouped = height / lineRows
    if grouped > 1 {
      let strip = Strip(
        a: address(line), row: row, count: b.subtract(endLine, line),
        counts: [unitRows / lineRows, lastUnitRows / lineRows], limit: grouped,
        itemStride: image.tileLineStride, itemRows: lineRows)
      return divide(b, p, place, strip, order)
    }
    return b.forLoop(from: line, to: endLine, carrying: [order]) { line, order in
      let strip = Strip(
        a: address(line), row: b.multiply(line, b.constant(lineRows)),
        count: b.constant(lineRows), counts: [lineRows], limit: height,
        itemStride: image.tileStride)
      return [divide(b, p, place, strip, order[0])]
    }[0]
  }

  /// Items, pixels or whole lines, that tiles divide evenly among them.
  private struct Strip {
    /// The address of the first item in the image.
    let a: Value
    /// The first row of the result.
    let row: Value
    /// The items, and the numbers that occur.
    let count: Value
    let counts: [Int]
    /// The most items of a tile.
    let limit: Int
    /// Elements from one item to the next.
    let itemStride: Int
    /// The rows of an item.
    var itemRows = 1
  }

  /// Emits the tiles of a whole image, one after the other.
  private func crossing(
    _ b: Builder, _ p: Arguments<Parameter>, _ place: Place, _ base: Value, _ order: Value
  ) -> Value {
    let tiles = RowTiles.count(rows: rows, height: b.target.tileRows(of: image.operandType))
    var (row, order) = (0, order)
    for index in 0..<tiles {
      var tile = place.shape
      tile.rows = rows / tiles + (index < rows % tiles ? 1 : 0)
      let (line, start) = (row / lineRows, row % lineRows)
      if start + tile.rows > lineRows {
        tile.addressing.line = lineRows
        tile.addressing.lineStride = image.tileLineStride
        tile.addressing.start = start
      }
      let a = b.offset(base, bytes: (line * image.tileLineStride + start * image.tileStride) * 4)
      call(b, p, place, tile, a, b.constant(row), order)
      row += tile.rows
      order = b.add(order, b.constant(1))
    }
    return order
  }

  /// Emits the call of a tile whose first row is `row` of the result and whose first pixel is at
  /// `a`, the tile `order` of its column.
  private func call(
    _ b: Builder, _ p: Arguments<Parameter>, _ place: Place, _ tile: Tile, _ a: Value, _ row: Value,
    _ order: Value
  ) {
    func line(_ base: Value, _ stride: Int) -> Value {
      b.offset(b.element(base, b.multiply(row, b.constant(stride))), place.columnBytes)
    }
    let c = line(p[.c], cStride)
    let residual = hasResidual ? line(p[.residual], residualStride) : p[.residual]
    let prefetch = TileLoop(tile, b).prefetch(order: order, ahead: place.ahead, here: place.right)
    b.call(
      tile,
      [
        .a: a, .panel: place.right, .c: c, .bias: place.bias, .residual: residual, .scales: c,
        .ahead: prefetch.ahead, .step: prefetch.step,
      ])
  }

  /// Emits the tiles of a strip; returns the number of the next tile.
  private func divide(
    _ b: Builder, _ p: Arguments<Parameter>, _ place: Place, _ strip: Strip, _ order: Value
  ) -> Value {
    let tiles = RowTiles(b, rows: strip.count, height: strip.limit)
    let sizes = strip.counts.reduce(into: Set<Int>()) {
      $0.formUnion(RowTiles.heights(rows: $1, height: strip.limit))
    }
    let shape = place.shape
    return tiles.forEach(numberedFrom: order) { order, first, size in
      let a = b.element(strip.a, b.multiply(first, b.constant(strip.itemStride)))
      let row = b.add(strip.row, b.multiply(first, b.constant(strip.itemRows)))
      b.choose(size, among: sizes.sorted()) { items in
        var tile = shape
        tile.rows = items * strip.itemRows
        // A line may be one pixel.
        if strip.itemRows > 1 || strip.itemStride != image.tileStride {
          tile.addressing.line = strip.itemRows
          tile.addressing.lineStride = strip.itemStride
        }
        call(b, p, place, tile, a, row, order)
      }
    }
  }

  /// Emits the moments of the chunks in the rows `row ..< end`.
  func moments(
    _ b: Builder, _ p: Arguments<Parameter>, _ columnBytes: Value, _ width: Int, _ chunk: Int,
    from row: Value, to end: Value
  ) {
    let block = MomentsBlock(columns: width, stride: cStride)
    let chunks = Moments.chunks(rows: rows, chunk: chunk)
    func line(_ base: Value, _ row: Value, _ stride: Int) -> Value {
      b.offset(b.element(base, b.multiply(row, b.constant(stride))), columnBytes)
    }
    b.forLoop(from: row, to: end, step: chunk) { start, _ in
      let index = b.divide(start, b.constant(chunk))
      b.call(
        block,
        [
          .x: line(p[.c], start, cStride), .sums: line(p[.moments], index, momentsStride),
          .squares: line(p[.moments], b.add(index, b.constant(chunks)), momentsStride),
          .rows: b.minimum(b.constant(chunk), b.subtract(end, start)),
        ])
      return []
    }
  }
}
