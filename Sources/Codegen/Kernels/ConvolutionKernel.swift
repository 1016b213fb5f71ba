import IR

/// A whole convolution: the contraction of an image with a weight in panels, by addressing.
///
/// The rows of the result, its pixels, are divided into *units*: whole chunks of the moments, and
/// whole lines where tiles follow the lines. Tasks share units and panels. A task goes over its
/// units in blocks that fit into the second cache: first it brings the image of the block in
/// (`ConvolutionImage`), then for each panel it computes the tiles of the block, whose moments it
/// adds up while they are in the first cache. A unit's tiles and sums do not depend on who owns it,
/// so the bits do not depend on the split.
struct ConvolutionKernel: StepKernel {
  enum Parameter: StepParameter {
    /// What is absent is not read.
    case x, panels, c, factors, bias, residual, scratch, task, count
    var isUnaliased: Bool { self == .panels }
  }

  var image: ConvolutionImage
  /// The channels of the result.
  var columns: Int
  /// Elements from one row to the next.
  var cStride: Int
  var residualStride = 0
  var hasBias = false
  var hasResidual = false
  /// The rows of a chunk of the moments, which lie behind the pixels; `nil`: there are none.
  var chunk: Int?

  /// Fewer rows than this in a task would read the weights too often: panels are divided too.
  ///
  /// Half of 14 x 14 pixels is more, 7 x 7 pixels are less.
  private static let rowsPerTask = 56
  /// How much of the image a block holds: beside weights that stay in a second cache of 1 MB, and
  /// beside those that do not.
  private static let blockBytes = (resident: 128 << 10, streamed: 448 << 10)
  private static let residentWeights = 512 << 10

  private var windows: Windows { image.windows }
  private var rows: Int { windows.count }
  private var lineRows: Int { windows.columns }
  private var panels: Int { (columns + Tile.panelWidth - 1) / Tile.panelWidth }

  /// `true` iff units must be whole lines.
  private var followsLines: Bool {
    !image.isStraight || (image.kind == .dense && windows.stride > 1)
  }
  /// The rows of a unit, the last one's apart.
  private var unitRows: Int {
    let chunk =
      chunk ?? Moments.chunk(height: windows.rows, width: windows.columns)
    return followsLines && chunk % lineRows != 0 ? rows : chunk
  }
  private var units: Int { (rows - 1) / unitRows + 1 }
  private var lastUnitRows: Int { rows - (units - 1) * unitRows }
  /// The largest number of tasks that the units are divided among.
  private var rowTasks: Int { max(1, min(units, rows / ConvolutionKernel.rowsPerTask)) }

  /// The units of a block.
  private var blockUnits: Int {
    let weights = image.depth * panels * Tile.panelWidth * 4
    let limit =
      weights <= ConvolutionKernel.residentWeights
      ? ConvolutionKernel.blockBytes.resident : ConvolutionKernel.blockBytes.streamed
    let unit = max(1, unitRows * image.bytesPerLine / lineRows)
    return min(units, max(1, limit / unit))
  }

  /// The scratch memory of one task: its copy of the image.
  var scratchBytes: Int { (image.bytes(rows: min(rows, blockUnits * unitRows)) + 63) / 64 * 64 }

  private var epilogue: Epilogue { Epilogue(hasBias: hasBias, hasResidual: hasResidual) }

  var title: String { "convolution_\(image.title)_to\(columns)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let target = b.target
    let (task, count) = (p[.task], p[.count])
    let grid = taskGrid(b, count: count)
    b.ifThen(b.less(task, b.multiply(grid.rows, grid.columns))) {
      let (firstUnit, endUnit) = b.share(
        of: b.constant(units), b.remainder(task, grid.rows), of: grid.rows)
      let (firstPanel, endPanel) = b.share(
        of: b.constant(panels), b.divide(task, grid.rows), of: grid.columns)
      let perPanel = Tile.panelWidth / target.tileColumns
      let fullTiles = columns / target.tileColumns
      let first = b.multiply(firstPanel, b.constant(perPanel))
      let end = b.multiply(endPanel, b.constant(perPanel))

      b.forLoop(
        from: firstUnit, to: endUnit, step: blockUnits, carrying: [b.constant(0)]
      ) { unit, done in
        let block = Block(
          first: unit, end: b.minimum(b.add(unit, b.constant(blockUnits)), endUnit))
        let start = b.multiply(block.first, b.constant(unitRows))
        let copied = image.copy(
          b, p[.x], p[.factors], to: p[.scratch], from: start,
          to: b.minimum(b.multiply(block.end, b.constant(unitRows)), b.constant(rows)),
          done: done[0])
        b.forLoop(from: first, to: b.minimum(end, b.constant(fullTiles))) { tile, _ in
          column(b, p, block, tile, width: target.tileColumns)
          return []
        }
        let ragged = columns % target.tileColumns
        if ragged > 0 {
          let last = b.constant(fullTiles)
          b.ifThen(b.less(last, end)) {
            b.ifThen(b.less(first, b.add(last, b.constant(1)))) {
              column(b, p, block, last, width: ragged)
            }
          }
        }
        return [copied]
      }
    }
  }

  /// The units of a block.
  private struct Block {
    let first: Value
    let end: Value
  }

  /// Emits the grid of tasks, rows first: of the numbers of rows that are allowed, the one that
  /// leaves the slowest task least to do, and of those the largest.
  private func taskGrid(_ b: Builder, count: Value) -> (rows: Value, columns: Value) {
    func columns(_ rows: Value) -> Value {
      b.minimum(b.divide(count, rows), b.constant(panels))
    }
    func most(_ extent: Int, _ parts: Value) -> Value {
      b.divide(b.add(b.constant(extent - 1), parts), parts)
    }
    guard rowTasks > 1 else { return (b.constant(1), columns(b.constant(1))) }
    let limit = b.minimum(count, b.constant(rowTasks))
    let best = b.forLoop(
      from: b.constant(1), to: b.add(limit, b.constant(1)),
      carrying: [b.constant(1), b.constant(.max)]
    ) { rows, carried in
      let work = b.multiply(most(units, rows), most(panels, columns(rows)))
      let worse = b.less(carried[1], work)
      return [b.select(worse, carried[0], rows), b.select(worse, carried[1], work)]
    }
    return (best[0], columns(best[0]))
  }

  /// Emits one column of tiles: all rows of the block against `width` columns of a panel.
  private func column(
    _ b: Builder, _ p: Arguments<Parameter>, _ block: Block, _ tile: Value, width: Int
  ) {
    let target = b.target
    let perPanel = b.constant(Tile.panelWidth / target.tileColumns)
    let panelBytes = b.constant(image.depth * Tile.panelWidth * 4)
    let part = b.remainder(tile, perPanel)
    let panel = b.offset(p[.panels], b.multiply(b.divide(tile, perPanel), panelBytes))
    let columnBytes = b.multiply(tile, b.constant(target.tileColumns * 4))
    let (walk, depth) = image.walk
    var shape = Tile(
      rows: 1, columns: width, depth: depth, aStride: image.tileStride, cStride: cStride,
      residualStride: residualStride, epilogue: epilogue,
      chains: Tile.chains(forRows: rows, on: target), bringers: bringers(target),
      factors: image.element, part: image.part)
    shape.walk = walk
    let place = Place(
      right: b.offset(panel, b.multiply(part, b.constant(target.tileColumns * 4))),
      ahead: b.offset(panel, panelBytes), columnBytes: columnBytes,
      bias: hasBias ? b.offset(p[.bias], columnBytes) : p[.bias],
      blockStart: b.multiply(block.first, b.constant(unitRows)), shape: shape)
    // Only the tiles of a panel's first part bring in the next one.
    let start = b.multiply(part, b.constant(shape.bringers))
    b.forLoop(from: block.first, to: block.end, carrying: [start]) { unit, order in
      let row = b.multiply(unit, b.constant(unitRows))
      let end = b.minimum(b.add(row, b.constant(unitRows)), b.constant(rows))
      let next = tiles(b, p, place, from: row, to: end, order[0])
      if let chunk {
        moments(b, p[.c], columnBytes, width, chunk, from: row, to: end)
      }
      return [next]
    }
  }

  /// What the tiles of a column have in common.
  private struct Place {
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

  /// The tiles of a column and block, at least, that bring in the next panel: four spread the
  /// requests best.
  private func bringers(_ target: Target) -> Int {
    let units = min(blockUnits, max(1, self.units / min(2, rowTasks)))
    return min(4, units * tilesPerUnit(target))
  }

  /// `true` iff tiles are cut from a small image regardless of its lines, each with displacements
  /// of its own: 49 pixels are 9 tiles of 5 or 6 rows, but 14 where each line is divided.
  private func crossesLines(_ target: Target) -> Bool {
    units == 1 && rows <= ConvolutionKernel.mostCrossing && !image.isStraight
      && RowTiles.count(rows: rows, height: target.tileRows)
        < tilesByLine(target)
  }

  /// More pixels than this would be too many tiles with a function of their own.
  private static let mostCrossing = 64

  private func tilesPerUnit(_ target: Target) -> Int {
    let height = target.tileRows
    if image.isStraight || crossesLines(target) {
      return RowTiles.count(rows: unitRows, height: height)
    }
    return tilesByLine(target)
  }

  private func tilesByLine(_ target: Target) -> Int {
    let height = target.tileRows
    let lines = unitRows / lineRows
    let grouped = height / lineRows
    return grouped > 1
      ? RowTiles.count(rows: lines, height: grouped)
      : lines * RowTiles.count(rows: lineRows, height: height)
  }

  /// Emits the tiles of a unit; returns the number of the next tile.
  private func tiles(
    _ b: Builder, _ p: Arguments<Parameter>, _ place: Place, from row: Value, to end: Value,
    _ order: Value
  ) -> Value {
    let height = b.target.tileRows
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
    let tiles = RowTiles.count(rows: rows, height: b.target.tileRows)
    var (row, order) = (0, order)
    for index in 0..<tiles {
      var tile = place.shape
      tile.rows = rows / tiles + (index < rows % tiles ? 1 : 0)
      let (line, start) = (row / lineRows, row % lineRows)
      if start + tile.rows > lineRows {
        tile.walk.line = lineRows
        tile.walk.lineStride = image.tileLineStride
        tile.walk.start = start
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
    let brings = b.less(order, b.constant(tile.bringers))
    let bytes = b.multiply(order, b.constant(tile.prefetchedBytes))
    let prefetched = b.select(brings, b.offset(place.ahead, bytes), place.right)
    let step = b.select(brings, b.constant(tile.prefetchStep), b.constant(0))
    b.call(
      tile,
      [
        .a: a, .panel: place.right, .c: c, .bias: place.bias, .residual: residual, .scales: c,
        .ahead: prefetched, .step: step,
      ])
  }

  /// Emits the tiles of a strip; returns the number of the next tile.
  private func divide(
    _ b: Builder, _ p: Arguments<Parameter>, _ place: Place, _ strip: Strip, _ order: Value
  ) -> Value {
    let tiles = b.divide(
      b.add(strip.count, b.constant(strip.limit - 1)), b.constant(strip.limit))
    let base = b.divide(strip.count, tiles)
    let extra = b.remainder(strip.count, tiles)
    let sizes = strip.counts.reduce(into: Set<Int>()) {
      $0.formUnion(RowTiles.heights(rows: $1, height: strip.limit))
    }
    let shape = place.shape
    return b.forLoop(
      from: b.constant(0), to: tiles, carrying: [b.constant(0), order]
    ) { index, carried in
      let size = b.select(b.less(index, extra), b.add(base, b.constant(1)), base)
      let a = b.element(strip.a, b.multiply(carried[0], b.constant(strip.itemStride)))
      let row = b.add(strip.row, b.multiply(carried[0], b.constant(strip.itemRows)))
      b.choose(size, among: sizes.sorted()) { items in
        var tile = shape
        tile.rows = items * strip.itemRows
        if strip.itemRows > 1 {
          tile.walk.line = strip.itemRows
          tile.walk.lineStride = strip.itemStride
        }
        call(b, p, place, tile, a, row, carried[1])
      }
      return [b.add(carried[0], size), b.add(carried[1], b.constant(1))]
    }[1]
  }

  /// Emits the moments of the chunks in the rows `row ..< end`.
  private func moments(
    _ b: Builder, _ c: Value, _ columnBytes: Value, _ width: Int, _ chunk: Int, from row: Value,
    to end: Value
  ) {
    let block = MomentsBlock(columns: width, stride: cStride)
    let chunks = Moments.chunks(rows: rows, chunk: chunk)
    func line(_ row: Value) -> Value {
      b.offset(b.element(c, b.multiply(row, b.constant(cStride))), columnBytes)
    }
    b.forLoop(from: row, to: end, step: chunk) { start, _ in
      let index = b.divide(start, b.constant(chunk))
      b.call(
        block,
        [
          .x: line(start), .sums: line(b.add(index, b.constant(rows))),
          .squares: line(b.add(index, b.constant(rows + chunks))),
          .rows: b.minimum(b.constant(chunk), b.subtract(end, start)),
        ])
      return []
    }
  }
}
