import IR

/// A whole fused linear layer: `C = epilogue(A B)` with `B` in panels, divided among tasks in both
/// directions.
struct FusedLinearKernel: StepKernel {
  enum Parameter: StepParameter {
    /// `A`, `B`, `C`; what is absent is not read.
    case a, panels, c, bias, residual, scratch, task, count
    var isUnaliased: Bool { self == .panels }
  }

  /// The extents: `A` is `[rows, depth]`, `C` is `[rows, columns]`.
  var rows: Int
  var columns: Int
  var depth: Int
  /// Elements from one row to the next.
  var aStride: Int
  var cStride: Int
  var residualStride = 0
  /// The term in `1 / sqrt(mean(a^2) + epsilon)`, the scale of each row; `nil`: none.
  var epsilon: Float?
  var hasBias = false
  var activation: ActivationFunction?
  var hasResidual = false
  /// The type of the operands of the products: that of the panels.
  var operandType = ElementType.f32
  /// The types of A and C.
  var left = ElementType.f32
  var result = ElementType.f32

  /// Fewer rows than this in a task would read the weights too often: columns are divided too.
  static let rowsPerTask = 24
  /// The largest number of tasks that the rows are divided among.
  private var rowTasks: Int { max(1, rows / FusedLinearKernel.rowsPerTask) }

  /// The size of the Hadamard matrix that rows are multiplied by before they are quantized; `nil`:
  /// none.
  var hadamardSize: Int?
  /// Elements between the three numbers of a column that scale sums of integers.
  var channelStride = 0
  /// The steps of one accumulator in a block of a sum, at most.
  var summationBlock = Tile.standardSummationBlock

  /// The scratch memory of one task: the scales of its rows, its rows of A as they are multiplied,
  /// where they are not so already, and what their preparation wants.
  var scratchBytes: Int {
    scaleBytes + (prepared.map { rows * $0.stride * 4 + $0.scratchBytes } ?? 0)
  }
  private var scaleCount: Int { prepared?.scaleCount ?? (epsilon == nil ? 0 : 1) }
  private var scaleBytes: Int { (rows * scaleCount * 4 + 63) / 64 * 64 }

  /// How rows of A are prepared; `nil`: they are multiplied where they lie.
  private var prepared: (any PreparedRow)? {
    operandType.format.preparation(
      of: LeftRows(
        columns: depth, stride: aStride, element: left, epsilon: epsilon,
        hadamardSize: hadamardSize))
  }
  /// The length of a sum, and the distance between rows of A as they are multiplied, in groups.
  private var groups: Int { operandType.format.groups(depth) }
  private var leftStride: Int { prepared?.stride ?? aStride / operandType.format.perGroup }

  /// Of integers, the rows' scales hold the norm already.
  private var epilogue: Epilogue {
    Epilogue(
      scalesRows: epsilon != nil && !operandType.format.sumsIntegers, hasBias: hasBias,
      activation: activation, hasResidual: hasResidual, result: result)
  }

  /// The heights of tiles that occur for any number of tasks.
  private func heights(_ target: Target) -> [Int] {
    var heights: Set<Int> = []
    for tasks in 1...rowTasks {
      heights.formUnion(
        RowTiles.heights(rows: rows / tasks, height: target.tileRows(of: operandType)))
      if rows % tasks != 0 {
        heights.formUnion(
          RowTiles.heights(rows: rows / tasks + 1, height: target.tileRows(of: operandType)))
      }
    }
    return heights.sorted()
  }

  /// The tiles of a panel that prefetch the next one: four, which spreads the requests best, or
  /// fewer where tasks do not have so many.
  private func prefetchTiles(_ target: Target) -> Int {
    let tiles = RowTiles.count(
      rows: rows / min(TileLoop.mostRowTasks, rowTasks), height: target.tileRows(of: operandType))
    return min(4, max(1, tiles) * Tile.panelWidth / target.tileColumns)
  }

  var title: String { "linear_\(rows)x\(columns)x\(depth)_\(operandType.rawValue)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let target = b.target
    let scratch = p[.scratch]
    let panels = (columns + Tile.panelWidth - 1) / Tile.panelWidth
    let grid = b.taskGrid(count: p[.count], rowTasks: rowTasks, columnTasks: panels)
    let used = b.multiply(grid.rows, grid.columns)
    b.ifThen(b.less(p[.task], used)) {
      let taskRow = b.remainder(p[.task], grid.rows)
      let taskColumn = b.divide(p[.task], grid.rows)
      let (firstRow, endRow) = b.share(of: b.constant(rows), taskRow, of: grid.rows)
      let (firstPanel, endPanel) = b.share(of: b.constant(panels), taskColumn, of: grid.columns)

      if let prepared {
        let place = b.offset(scratch, bytes: scaleBytes)
        let rest = b.offset(place, bytes: rows * prepared.stride * 4)
        b.forLoop(from: firstRow, to: endRow) { index, _ in
          let own = b.subtract(index, firstRow)
          let address = b.offset(
            p[.a], b.multiply(index, b.constant(aStride * left.sizeBytes)))
          prepared.emit(
            b, address, to: b.element(place, b.multiply(own, b.constant(prepared.stride))),
            scales: b.element(scratch, b.multiply(own, b.constant(scaleCount))), scratch: rest)
          return []
        }
      } else if let epsilon {
        let row = RowNorm(columns: depth, epsilon: epsilon)
        b.forLoop(from: firstRow, to: endRow) { index, _ in
          let address = b.element(p[.a], b.multiply(index, b.constant(aStride)))
          b.store(row.inverseRoot(b, address), b.element(scratch, b.subtract(index, firstRow)))
          return []
        }
      }

      let perPanel = Tile.panelWidth / target.tileColumns
      let fullTiles = columns / target.tileColumns
      let first = b.multiply(firstPanel, b.constant(perPanel))
      let end = b.multiply(endPanel, b.constant(perPanel))
      let band = Band(first: firstRow, count: b.subtract(endRow, firstRow))
      b.forLoop(from: first, to: b.minimum(end, b.constant(fullTiles))) { tile, _ in
        column(b, p, band, tile, width: target.tileColumns)
        return []
      }
      let ragged = columns % target.tileColumns
      if ragged > 0 {
        let last = b.constant(fullTiles)
        b.ifThen(b.less(last, end)) {
          b.ifThen(b.less(first, b.add(last, b.constant(1)))) {
            column(b, p, band, last, width: ragged)
          }
        }
      }
    }
  }

  /// The rows of one task.
  private struct Band {
    let first: Value
    let count: Value
  }

  /// Emits one column of tiles: all rows of the task against `width` columns of a panel.
  private func column(
    _ b: Builder, _ p: Arguments<Parameter>, _ band: Band, _ tile: Value, width: Int
  ) {
    let target = b.target
    let perPanel = b.constant(Tile.panelWidth / target.tileColumns)
    let panelBytes = b.constant(groups * Tile.panelWidth * 4)
    let part = b.remainder(tile, perPanel)
    let panel = b.offset(p[.panels], b.multiply(b.divide(tile, perPanel), panelBytes))
    let partBytes = b.multiply(part, b.constant(target.tileColumns * 4))
    let right = b.offset(panel, partBytes)
    let columnBytes = b.multiply(tile, b.constant(target.tileColumns * 4))
    let resultBytes = b.multiply(tile, b.constant(target.tileColumns * result.sizeBytes))
    let bias = hasBias ? b.offset(p[.bias], columnBytes) : p[.bias]

    let tiles = RowTiles(b, rows: band.count, height: target.tileRows(of: operandType))
    let shape = Tile(
      rows: 1, columns: width, depth: groups, aStride: leftStride, cStride: cStride,
      residualStride: residualStride, epilogue: epilogue,
      accumulators: Tile.accumulators(forRows: rows, on: target),
      prefetchTiles: prefetchTiles(target), operandType: operandType,
      channelStride: channelStride, summationBlock: summationBlock)
    let loop = TileLoop(shape, b)
    let ahead = b.offset(panel, panelBytes)
    tiles.forEach { index, first, size in
      let row = b.add(band.first, first)
      let a =
        prepared == nil
        ? b.element(p[.a], b.multiply(row, b.constant(leftStride)))
        : b.element(
          b.offset(p[.scratch], bytes: scaleBytes),
          b.multiply(first, b.constant(leftStride)))
      let c = b.offset(
        b.offset(p[.c], b.multiply(row, b.constant(cStride * result.sizeBytes))),
        resultBytes)
      let residual =
        hasResidual
        ? b.offset(
          b.element(p[.residual], b.multiply(row, b.constant(residualStride))), columnBytes)
        : p[.residual]
      let scales = b.element(p[.scratch], b.multiply(first, b.constant(scaleCount)))
      let order = b.add(b.multiply(part, tiles.count), index)
      let prefetch = loop.prefetch(order: order, ahead: ahead, here: right)
      b.choose(size, among: heights(target)) { rows in
        var tile = shape
        tile.rows = rows
        b.call(
          tile,
          [
            .a: a, .panel: right, .c: c, .bias: bias, .residual: residual, .scales: scales,
            .ahead: prefetch.ahead, .step: prefetch.step,
          ])
      }
    }
  }
}
