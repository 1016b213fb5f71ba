import IR

/// A whole convolution: the fused linear layer of an image with a weight in panels, by addressing.
///
/// The rows of the result, its pixels, are divided into *units*: whole chunks of the moments, and
/// whole lines where tiles follow the lines. Tasks share units and panels. A task goes over its
/// units in blocks that fit into the L2 cache: first it copies the image of the block
/// (`ConvolutionImage`), then for each panel it computes the tiles of the block, whose moments it
/// adds up while they are in the L1 cache. A unit's tiles and sums do not depend on who owns it,
/// so the bits do not depend on the split.
struct ConvolutionKernel: StepKernel {
  enum Parameter: PieceParameter {
    /// What is absent is not read.
    case x, panels, c, moments, scaleShift, bias, residual, scratch, task, count
    case pieces, spare
    var isUnaliased: Bool { self == .panels }
  }

  var image: ConvolutionImage
  /// The channels of the result.
  var columns: Int
  /// Elements from one row to the next.
  var cStride: Int
  var momentsStride = 0
  var residualStride = 0
  var hasBias = false
  var hasResidual = false
  /// The rows of a chunk of the moments; `nil`: nobody wants them.
  var chunk: Int?

  /// Fewer rows than this in a task would read the weights too often: panels are divided too.
  ///
  /// Half of 14 x 14 pixels is more, 7 x 7 pixels are less.
  private static let rowsPerTask = 56
  /// How much of the image a block holds: beside weights that stay in an L2 cache of 1 MB, and
  /// beside those that do not.
  private static let blockBytes = (resident: 128 << 10, streamed: 448 << 10)
  private static let residentWeights = 512 << 10

  private var windows: Windows { image.windows }
  var rows: Int { windows.count }
  var lineRows: Int { windows.columns }
  private var panels: Int { (columns + Tile.panelWidth - 1) / Tile.panelWidth }

  /// `true` iff units must be whole lines.
  private var followsLines: Bool {
    !image.isStraight || (image.kind == .dense && windows.stride > 1)
  }
  /// The rows of a unit, the last one's apart.
  var unitRows: Int {
    let chunk =
      chunk ?? Moments.chunk(height: windows.rows, width: windows.columns)
    return followsLines && chunk % lineRows != 0 ? rows : chunk
  }
  var units: Int { (rows - 1) / unitRows + 1 }
  var lastUnitRows: Int { rows - (units - 1) * unitRows }
  /// The largest number of tasks that the units are divided among.
  var rowTasks: Int { max(1, min(units, rows / ConvolutionKernel.rowsPerTask)) }

  /// The units of a block.
  var blockUnits: Int {
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

  func division(on target: Target) -> Division {
    Division(
      rows: units, rowTasks: rowTasks, columns: panels, rule: .leastWork,
      prepared: rows * image.channels)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let (task, count) = (p[.task], p[.count])
    let grid = taskGrid(b, count: count)
    b.ifThen(b.less(task, b.multiply(grid.rows, grid.columns))) {
      let (firstUnit, endUnit) = b.share(
        of: b.constant(units), b.remainder(task, grid.rows), of: grid.rows)
      let (firstPanel, endPanel) = b.share(
        of: b.constant(panels), b.divide(task, grid.rows), of: grid.columns)
      let lines = b.subtract(endUnit, firstUnit)
      let blocks = b.divide(
        b.add(lines, b.constant(blockUnits - 1)), b.constant(blockUnits))
      b.forEach(
        Pieces(p), blocks: blocks, panels: (firstPanel, endPanel), carrying: [b.constant(0)]
      ) { index, isNew, panel, done in
        let first = b.add(firstUnit, b.multiply(index, b.constant(blockUnits)))
        let block = Block(
          first: first, end: b.minimum(b.add(first, b.constant(blockUnits)), endUnit))
        let copied = copy(b, p, block, if: isNew, done: done[0])
        b.forTiles(ofPanel: panel, columns: columns) { column(b, p, block, $0, width: $1) }
        return [copied]
      }
    }
  }

  /// Emits the copy of what a block reads, if it is new; returns the new `done`
  /// (``ConvolutionImage/copy(_:_:_:to:from:to:done:)``).
  private func copy(
    _ b: Builder, _ p: Arguments<Parameter>, _ block: Block, if isNew: Value, done: Value
  ) -> Value {
    let times = b.select(isNew, b.constant(1), b.constant(0))
    return b.forLoop(from: b.constant(0), to: times, carrying: [done]) { _, done in
      let end = b.minimum(b.multiply(block.end, b.constant(unitRows)), b.constant(rows))
      return [
        image.copy(
          b, p[.x], p[.scaleShift], to: p[.scratch],
          from: b.multiply(block.first, b.constant(unitRows)), to: end, done: done[0])
      ]
    }[0]
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
    let (addressing, depth) = image.addressing
    var shape = Tile(
      rows: 1, columns: width, depth: depth, aStride: image.tileStride, cStride: cStride,
      residualStride: residualStride, epilogue: epilogue,
      accumulators: Tile.accumulators(forRows: rows, on: target),
      prefetchTiles: prefetchTiles(target), operandType: image.operandType,
      summationBlock: image.summationBlock)
    shape.addressing = addressing
    let place = Place(
      right: b.offset(panel, b.multiply(part, b.constant(target.tileColumns * 4))),
      ahead: b.offset(panel, panelBytes), columnBytes: columnBytes,
      bias: hasBias ? b.offset(p[.bias], columnBytes) : p[.bias],
      blockStart: b.multiply(block.first, b.constant(unitRows)), shape: shape)
    // Only the tiles of a panel's first part prefetch the next one.
    let start = b.multiply(part, b.constant(shape.prefetchTiles))
    b.forLoop(from: block.first, to: block.end, carrying: [start]) { unit, order in
      let row = b.multiply(unit, b.constant(unitRows))
      let end = b.minimum(b.add(row, b.constant(unitRows)), b.constant(rows))
      let next = tiles(b, p, place, from: row, to: end, order[0])
      if let chunk {
        moments(b, p, columnBytes, width, chunk, from: row, to: end)
      }
      return [next]
    }
  }
}
