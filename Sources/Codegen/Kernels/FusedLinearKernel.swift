import IR

/// A whole fused linear layer: `C = epilogue(A B)` with `B` in panels, divided among tasks in both
/// directions.
struct FusedLinearKernel: StepKernel {
  enum Parameter: PieceParameter {
    /// `A`, `B`, `C`; what is absent is not read.
    case a, panels, c, bias, residual, scratch, task, count, pieces, spare
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
  var rowTasks: Int { max(1, rows / FusedLinearKernel.rowsPerTask) }

  /// The size of the Hadamard matrix that rows are multiplied by before they are quantized; `nil`:
  /// none.
  var hadamardSize: Int?
  /// Elements between the three numbers of a column that scale sums of integers.
  var channelStride = 0
  /// The steps of one accumulator in a block of a sum, at most.
  var summationBlock = Tile.standardSummationBlock

  /// How both operands are arranged once (``WidenedPanel``, ``PairedPanel``), which changes no bit.
  private func arrangement(_ target: Target) -> Arrangement {
    target.arrangement(operandType, rows: rows)
  }
  /// The most rows that are multiplied by all panels before the next.
  ///
  /// Arranged rows of a long sequence would not stay in the L3 cache. Each block arranges the
  /// panels again, 1 % of its work.
  private static let arrangedRows = 224
  private func blockRows(_ target: Target) -> Int {
    arrangement(target) == .stored ? rows : min(rows, Self.arrangedRows)
  }
  /// The rows that those of a block have room for.
  private func roomRows(_ target: Target) -> Int {
    let unit = arrangement(target).rowUnit
    return (blockRows(target) + unit - 1) / unit * unit
  }

  // The parts of the scratch memory: the scales of the rows of a block, its rows of A as they are
  // multiplied, where they are not so already, what their preparation wants, and an arranged panel.
  func scaleCount(_ target: Target) -> Int {
    prepared(target)?.scaleCount ?? (epsilon == nil ? 0 : 1)
  }
  private func scaleBytes(_ target: Target) -> Int {
    (blockRows(target) * scaleCount(target) * 4 + 63) / 64 * 64
  }
  private func panelOffset(_ target: Target) -> Int {
    let rows = prepared(target).map { roomRows(target) * $0.stride * 4 + $0.scratchBytes } ?? 0
    return (scaleBytes(target) + rows + 63) / 64 * 64
  }

  /// The scratch memory of one task.
  func scratchBytes(_ target: Target) -> Int {
    switch arrangement(target) {
    case .stored: panelOffset(target)
    case .widened:
      panelOffset(target) + WidenedPanel.bytes(operandType, depth: groups, target)
    case .paired: panelOffset(target) + PairedPanel.bytes(depth: groups, target)
    }
  }

  /// How rows of A are prepared; `nil`: they are multiplied where they lie.
  private func prepared(_ target: Target) -> (any PreparedRow)? {
    let own = operandType.format.preparation(
      of: LeftRows(
        columns: depth, stride: aStride, element: left, epsilon: epsilon,
        hadamardSize: hadamardSize))
    return arrangement(target).row(operandType, columns: depth, inner: own)
  }
  /// The length of a sum in groups.
  var groups: Int { operandType.format.groups(depth) }
  /// The distance between rows of A as they are multiplied, in words.
  func leftStride(_ target: Target) -> Int {
    prepared(target)?.stride ?? aStride / operandType.format.perGroup
  }

  /// The rows of the largest tile.
  private func tileRows(_ target: Target) -> Int {
    target.tileRows(of: operandType, arrangement(target))
  }

  /// Of integers, the rows' scales hold the norm already.
  var epilogue: Epilogue {
    Epilogue(
      scalesRows: epsilon != nil && !operandType.format.sumsIntegers, hasBias: hasBias,
      activation: activation, hasResidual: hasResidual, result: result)
  }

  /// The heights of tiles that occur for any number of tasks.
  private func heights(_ target: Target) -> [Int] {
    var heights: Set<Int> = []
    func add(_ count: Int) {
      heights.formUnion(
        RowTiles.heights(
          rows: count, height: tileRows(target), unit: arrangement(target).rowUnit))
    }
    for tasks in 1...rowTasks {
      for count in [rows / tasks, (rows + tasks - 1) / tasks] {
        let blocks = (count + blockRows(target) - 1) / blockRows(target)
        add(count / blocks)
        add((count + blocks - 1) / blocks)
      }
    }
    return heights.sorted()
  }

  /// The tiles of a panel that prefetch the next one: four, which spreads the requests best, or
  /// fewer where tasks do not have so many.
  private func prefetchTiles(_ target: Target) -> Int {
    let tiles = RowTiles.count(
      rows: rows / min(TileLoop.mostRowTasks, rowTasks), height: tileRows(target))
    return min(4, max(1, tiles) * Tile.panelWidth / target.tileColumns)
  }

  var title: String { "linear_\(rows)x\(columns)x\(depth)_\(operandType.rawValue)" }

  func division(on target: Target) -> Division {
    let isPrepared = epsilon != nil || operandType != left
    return Division(
      rows: rows, rowTasks: rowTasks, columns: (columns - 1) / Tile.panelWidth + 1,
      rule: .fewestIdle, prepared: isPrepared ? rows * depth : 0)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let target = b.target
    let panels = (columns + Tile.panelWidth - 1) / Tile.panelWidth
    let grid = b.taskGrid(count: p[.count], rowTasks: rowTasks, columnTasks: panels)
    let used = b.multiply(grid.rows, grid.columns)
    b.ifThen(b.less(p[.task], used)) {
      let taskRow = b.remainder(p[.task], grid.rows)
      let taskColumn = b.divide(p[.task], grid.rows)
      let (firstRow, endRow) = b.share(of: b.constant(rows), taskRow, of: grid.rows)
      let (firstPanel, endPanel) = b.share(of: b.constant(panels), taskColumn, of: grid.columns)
      let rows = b.subtract(endRow, firstRow)
      let blocks = blocks(b, rows)
      if usesAMX(target) { configureAMX(b) }
      b.forEach(Pieces(p), blocks: blocks, panels: (firstPanel, endPanel)) {
        block, isNew, panel, _ in
        let (first, end) = b.share(of: rows, block, of: blocks)
        let band = Band(first: b.add(firstRow, first), count: b.subtract(end, first))
        b.ifThen(isNew) { prepare(b, p, band) }
        b.forTiles(ofPanel: panel, columns: columns) { column(b, p, band, $0, width: $1) }
        return []
      }
      if usesAMX(target) { b.releaseTiles() }
    }
  }

  /// Emits the number of blocks of rows that a task does one after the other.
  private func blocks(_ b: Builder, _ rows: Value) -> Value {
    let most = blockRows(b.target)
    guard most < self.rows else { return b.constant(1) }
    return b.divide(b.add(rows, b.constant(most - 1)), b.constant(most))
  }

  /// Rows of one task.
  struct Band {
    let first: Value
    let count: Value
  }

  /// Emits what the products want of some rows: they as they are multiplied, and their scales.
  private func prepare(_ b: Builder, _ p: Arguments<Parameter>, _ band: Band) {
    let scratch = p[.scratch]
    if let prepared = prepared(b.target) {
      let place = b.offset(scratch, bytes: scaleBytes(b.target))
      let rest = b.offset(place, bytes: roomRows(b.target) * prepared.stride * 4)
      b.forLoop(from: b.constant(0), to: band.count) { own, _ in
        let address = b.offset(
          p[.a],
          b.multiply(b.add(band.first, own), b.constant(aStride * left.sizeBytes)))
        prepared.emit(
          b, address, to: b.offset(place, prepared.place(b, own)),
          scales: b.element(scratch, b.multiply(own, b.constant(prepared.scaleCount))),
          scratch: rest)
        return []
      }
    } else if let epsilon {
      let row = RowNorm(columns: depth, epsilon: epsilon)
      b.forLoop(from: b.constant(0), to: band.count) { own, _ in
        let address = b.element(p[.a], b.multiply(b.add(band.first, own), b.constant(aStride)))
        b.store(row.inverseRoot(b, address), b.element(scratch, own))
        return []
      }
    }
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
    var right = b.offset(panel, partBytes)
    let arrangement = arrangement(target)
    let arranged = b.offset(p[.scratch], bytes: panelOffset(target))
    switch arrangement {
    case .stored: break
    case .widened:
      b.call(WidenedPanel(element: operandType, depth: groups), [.panel: right, .wide: arranged])
      right = arranged
    case .paired:
      b.call(PairedPanel(depth: groups), [.panel: right, .paired: arranged])
      right = arranged
    }
    let place = ColumnPlace(
      panel: right, ahead: b.offset(panel, panelBytes),
      columnBytes: b.multiply(tile, b.constant(target.tileColumns * 4)),
      resultBytes: b.multiply(tile, b.constant(target.tileColumns * result.sizeBytes)))
    if usesAMX(target) { return multiplyByAMX(b, p, band, place, width: width) }

    let tiles = RowTiles(
      b, rows: band.count, height: tileRows(target), unit: arrangement.rowUnit)
    let shape = registerTile(target, width: width)
    let loop = TileLoop(shape, b)
    tiles.forEach { index, first, size in
      let at = addresses(b, p, band, place, from: first)
      let order = b.add(b.multiply(part, tiles.count), index)
      let prefetch = loop.prefetch(order: order, ahead: place.ahead, here: right)
      b.choose(size, among: heights(target)) { rows in
        var tile = shape
        tile.rows = rows
        b.call(
          tile,
          [
            .a: at.a, .panel: right, .c: at.c, .bias: at.bias, .residual: at.residual,
            .scales: at.scales, .ahead: prefetch.ahead, .step: prefetch.step,
          ])
      }
    }
  }

  /// A tile of one row by `width` columns.
  func registerTile(_ target: Target, width: Int) -> Tile {
    var tile = Tile(
      rows: 1, columns: width, depth: groups, aStride: leftStride(target), cStride: cStride,
      residualStride: residualStride, epilogue: epilogue,
      accumulators: Tile.accumulators(forRows: rows, on: target),
      prefetchTiles: prefetchTiles(target), operandType: operandType,
      channelStride: channelStride, summationBlock: summationBlock)
    tile.arrangement = arrangement(target)
    if tile.arrangement != .stored { tile.panelStride = target.tileColumns }
    if tile.arrangement == .widened { tile.aStride /= WidenedRow.parts }
    return tile
  }

  /// What the tiles of a column have in common.
  struct ColumnPlace {
    /// The address of the columns in the panel as it is multiplied, and of the next panel.
    let panel: Value
    let ahead: Value
    /// How far the columns are from the first one, in a row of floats and in one of the result.
    let columnBytes: Value
    let resultBytes: Value
  }

  /// Where a tile's operands and results are.
  struct TileAddresses {
    let a: Value
    let c: Value
    let bias: Value
    let residual: Value
    let scales: Value
  }

  /// Emits the addresses for a tile of a column whose first row is `first` of those of the task.
  func addresses(
    _ b: Builder, _ p: Arguments<Parameter>, _ band: Band, _ place: ColumnPlace, from first: Value
  ) -> TileAddresses {
    let target = b.target
    let leftStride = leftStride(target)
    let row = b.add(band.first, first)
    return TileAddresses(
      a: prepared(target) == nil
        ? b.element(p[.a], b.multiply(row, b.constant(leftStride)))
        : b.element(
          b.offset(p[.scratch], bytes: scaleBytes(target)),
          b.multiply(first, b.constant(leftStride))),
      c: b.offset(
        b.offset(p[.c], b.multiply(row, b.constant(cStride * result.sizeBytes))),
        place.resultBytes),
      bias: hasBias ? b.offset(p[.bias], place.columnBytes) : p[.bias],
      residual: hasResidual
        ? b.offset(
          b.element(p[.residual], b.multiply(row, b.constant(residualStride))), place.columnBytes)
        : p[.residual],
      scales: b.element(p[.scratch], b.multiply(first, b.constant(scaleCount(target)))))
  }
}
