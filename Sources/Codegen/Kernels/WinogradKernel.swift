import IR

/// What Winograd's convolution is of: a 3x3 kernel with stride 1 and one pixel of zeros around.
struct WinogradShape: Hashable {
  var tile: WinogradTile
  /// The extents of the image, and of the result, in pixels.
  var height: Int
  var width: Int
  /// The channels of the image.
  var channels: Int

  /// The rows of tiles, and the tiles in each: the last ones may reach beyond the image.
  var tileRows: Int { (height - 1) / tile.rawValue + 1 }
  var tileColumns: Int { (width - 1) / tile.rawValue + 1 }

  /// Its part in the titles of kernels.
  var title: String { "tile\(tile.rawValue)_\(height)x\(width)x\(channels)" }
}

/// A 3x3 convolution in Winograd's way, divided among tasks in both directions.
///
/// A task has some rows of tiles and some panels of 32 output columns. It takes the rows in blocks:
/// it transforms the pixels of a block, into V of its own scratch memory; then for each of its
/// panels it multiplies V by the weights at all frequencies, into M, and transforms M into results.
/// So neither V nor M leaves the L2 cache, and no task waits for another within the step. Tasks
/// that share rows of tiles transform them twice: a few percent of their products, where a barrier
/// and reading from another core's cache were measured to cost more.
///
/// The weights `[panels][frequencies][channels][32]` are read once for each block, one after the
/// other; the tiles prefetch the next frequency's into the L2 cache. Every result is computed by
/// one task, and in the same order whatever the blocks are; so are the moments of the chunks, which
/// tasks and blocks do not divide.
///
/// Scratch memory: V and M of one block. Nothing is read past the end of an operand.
struct WinogradKernel: StepKernel {
  enum Parameter: PieceParameter {
    case x, weight, output, moments, bias, residual, scaleShift, scratch, task, count
    case pieces, spare
    var isUnaliased: Bool { self == .weight || self == .scratch }
  }

  /// What happens to a pixel before it is used.
  struct Prologue: Hashable {
    /// Multiply by the channel's scale and add its shift: two rows of numbers, so many elements
    /// apart; `nil`: neither.
    var scaleShiftStride: Int?
    /// Apply a function.
    var activation: ActivationFunction?
  }

  var shape: WinogradShape
  /// The columns of the result.
  var columns: Int
  /// Elements from one pixel to the next.
  var xStride: Int
  var outputStride: Int
  var momentsStride = 0
  var residualStride = 0
  var prologue = Prologue()
  var hasBias = false
  var hasResidual = false
  /// The pixels of a chunk of the moments, whole rows of tiles; `nil`: nobody wants them.
  var chunk: Int?
  /// The steps of one accumulator in a block of a sum, at most.
  var summationBlock = Tile.standardSummationBlock

  /// The rows of tiles in a chunk, which tasks share; the last one may have fewer.
  private var chunkRows: Int {
    chunk.map { ($0 - 1) / (shape.tile.rawValue * shape.width) + 1 } ?? 1
  }

  /// The rows of tiles in a block whose V and M are as big as a task's share of cache.
  ///
  /// 1 MB is the L2 cache of Zen 4, half that of recent Intel and Arm server cores. On Zen 4 the
  /// time hardly depends on it, between one row of tiles and all.
  private var blockRows: Int {
    let budgetBytes = 1 << 20
    let rowBytes = shape.tile.frequencies * shape.tileColumns * (tileStride + Tile.panelWidth) * 4
    return min(shape.tileRows, max(1, budgetBytes / rowBytes / chunkRows) * chunkRows)
  }
  private var chunks: Int { (shape.tileRows - 1) / chunkRows + 1 }
  private var panels: Int { (columns - 1) / Tile.panelWidth + 1 }
  private var blockTiles: Int { blockRows * shape.tileColumns }
  /// Elements from one tile of V to the next.
  private var tileStride: Int { RowStride.padded(shape.channels) }
  private var inputFrequencyStride: Int { blockTiles * tileStride }
  private var outputFrequencyStride: Int { blockTiles * Tile.panelWidth }
  private var productsOffset: Int { shape.tile.frequencies * inputFrequencyStride * 4 }

  /// The scratch memory of one task.
  var scratchBytes: Int {
    productsOffset + shape.tile.frequencies * outputFrequencyStride * 4
  }

  var title: String { "winograd_\(shape.title)_to\(columns)" }

  func division(on target: Target) -> Division {
    // The transform of a chunk takes about four operations for each element.
    Division(
      rows: chunks, rowTasks: chunks, columns: panels, rule: .leastWork,
      prepared: 4 * chunks * chunkRows * shape.tileColumns * shape.channels)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let grid = taskGrid(b, count: p[.count])
    b.ifThen(b.less(p[.task], b.multiply(grid.chunks, grid.panels))) {
      let taskRow = b.remainder(p[.task], grid.chunks)
      let taskColumn = b.divide(p[.task], grid.chunks)
      let (firstChunk, endChunk) = b.share(of: b.constant(chunks), taskRow, of: grid.chunks)
      let (firstPanel, endPanel) = b.share(of: b.constant(panels), taskColumn, of: grid.panels)
      let share = b.subtract(endChunk, firstChunk)
      let perBlock = b.constant((blockRows - 1) / chunkRows + 1)
      let blocks = b.divide(b.add(share, b.subtract(perBlock, b.constant(1))), perBlock)
      b.forEach(Pieces(p), blocks: blocks, panels: (firstPanel, endPanel)) {
        block, isNew, panel, _ in
        let (first, end) = b.share(of: share, block, of: blocks)
        let chunks = Chunks(first: b.add(firstChunk, first), end: b.add(firstChunk, end))
        b.ifThen(isNew) { transform(b, p, rows(b, chunks)) }
        multiply(b, p, chunks, panel: panel)
        return []
      }
    }
  }

  /// Chunks that follow each other, or rows of tiles.
  private struct Chunks {
    let first: Value
    let end: Value
  }

  /// The rows of tiles of some chunks.
  private func rows(_ b: Builder, _ chunks: Chunks) -> Chunks {
    Chunks(
      first: b.multiply(chunks.first, b.constant(chunkRows)),
      end: b.minimum(
        b.multiply(chunks.end, b.constant(chunkRows)), b.constant(shape.tileRows)))
  }

  /// Emits the transform of what some rows of tiles read.
  private func transform(_ b: Builder, _ p: Arguments<Parameter>, _ rows: Chunks) {
    let input = WinogradInput(
      shape: shape, xStride: xStride, prologue: prologue, tileStride: tileStride,
      frequencyStride: inputFrequencyStride)
    let rowBytes = b.constant(shape.tileColumns * tileStride * 4)
    b.forLoop(from: rows.first, to: rows.end) { row, _ in
      let v = b.offset(p[.scratch], b.multiply(b.subtract(row, rows.first), rowBytes))
      b.call(input, [.x: p[.x], .scaleShift: p[.scaleShift], .v: v, .row: row])
      return []
    }
  }

  /// Emits the products of some chunks with the columns of a panel, and what becomes of them.
  private func multiply(
    _ b: Builder, _ p: Arguments<Parameter>, _ chunks: Chunks, panel: Value
  ) {
    let rows = rows(b, chunks)
    let matmul = WinogradMatmul(
      frequencies: shape.tile.frequencies, tileColumns: shape.tileColumns, mostRows: blockRows,
      channels: shape.channels, aStride: tileStride, aFrequencyStride: inputFrequencyStride,
      cFrequencyStride: outputFrequencyStride, summationBlock: summationBlock)
    let products = b.offset(p[.scratch], bytes: productsOffset)
    let panelBytes = shape.tile.frequencies * shape.channels * Tile.panelWidth * 4
    func finish(columns: Int) {
      let weight = b.offset(p[.weight], b.multiply(panel, b.constant(panelBytes)))
      b.call(
        matmul,
        [
          .v: p[.scratch], .u: weight, .m: products, .rows: b.subtract(rows.end, rows.first),
        ])
      let bytes = b.multiply(panel, b.constant(Tile.panelWidth * 4))
      let output = WinogradOutput(
        shape: shape, columns: columns, outputStride: outputStride,
        residualStride: residualStride, hasBias: hasBias, hasResidual: hasResidual,
        frequencyStride: outputFrequencyStride)
      b.call(
        output,
        [
          .products: products, .output: b.offset(p[.output], bytes),
          .bias: hasBias ? b.offset(p[.bias], bytes) : p[.bias],
          .residual: hasResidual ? b.offset(p[.residual], bytes) : p[.residual],
          .first: rows.first, .end: rows.end,
        ])
      if let chunk {
        b.forLoop(from: chunks.first, to: chunks.end) { index, _ in
          moments(
            b, b.offset(p[.output], bytes), to: b.offset(p[.moments], bytes), index, chunk,
            columns: columns)
          return []
        }
      }
    }
    let whole = columns / Tile.panelWidth
    b.ifThen(b.less(panel, b.constant(whole))) { finish(columns: Tile.panelWidth) }
    if columns % Tile.panelWidth > 0 {
      b.ifThen(b.equal(panel, b.constant(whole))) {
        finish(columns: columns % Tile.panelWidth)
      }
    }
  }

  /// Emits the moments of one chunk, which has just been written, for the columns of a panel.
  private func moments(
    _ b: Builder, _ output: Value, to moments: Value, _ index: Value, _ chunk: Int, columns: Int
  ) {
    let pixels = shape.height * shape.width
    let start = b.multiply(index, b.constant(chunk))
    let width = 2 * b.target.lanes
    for column in stride(from: 0, to: columns, by: width) {
      func line(_ base: Value, _ row: Value, _ stride: Int) -> Value {
        b.offset(b.element(base, b.multiply(row, b.constant(stride))), bytes: column * 4)
      }
      let block = MomentsBlock(columns: min(width, columns - column), stride: outputStride)
      b.call(
        block,
        [
          .x: line(output, start, outputStride), .sums: line(moments, index, momentsStride),
          .squares: line(moments, b.add(index, b.constant(chunks)), momentsStride),
          .rows: b.minimum(b.constant(chunk), b.subtract(b.constant(pixels), start)),
        ])
    }
  }

  /// Emits the grid of tasks, chunks first: the one whose fullest task has the least to do.
  ///
  /// The work of a chunk is its transform, about four operations for each element of V, and for
  /// each panel the products and as many operations for each element of M.
  private func taskGrid(
    _ b: Builder, count: Value
  ) -> (chunks: Value, panels: Value) {
    let lanes = b.target.lanes
    let perElement = 4
    let inputWork = perElement * ((shape.channels - 1) / lanes + 1)
    let panelWork = (shape.channels + perElement) * Tile.panelWidth / lanes
    func panelTasks(_ rows: Value) -> Value {
      b.minimum(b.divide(count, rows), b.constant(panels))
    }
    func ceiling(_ whole: Int, _ parts: Value) -> Value {
      b.divide(b.add(b.constant(whole - 1), parts), parts)
    }
    let most = b.minimum(count, b.constant(chunks))
    guard chunks > 1 else { return (b.constant(1), panelTasks(b.constant(1))) }
    let best = b.forLoop(
      from: b.constant(1), to: b.add(most, b.constant(1)),
      carrying: [b.constant(1), b.constant(.max)]
    ) { rows, carried in
      let perChunk = b.add(
        b.constant(inputWork),
        b.multiply(ceiling(panels, panelTasks(rows)), b.constant(panelWork)))
      let work = b.multiply(ceiling(chunks, rows), perChunk)
      let better = b.less(work, carried[1])
      return [b.select(better, rows, carried[0]), b.select(better, work, carried[1])]
    }
    return (best[0], panelTasks(best[0]))
  }
}

extension WinogradKernel.Prologue {
  /// Emits the loads of the scale and the shift of `count` channels, `bytes` from the first.
  func scaleShift(_ b: Builder, _ base: Value, _ bytes: Value, count: Int) -> [Value] {
    guard let scaleShiftStride else { return [] }
    return [0, scaleShiftStride].map {
      b.loadFloats(b.offset(b.offset(base, bytes), bytes: $0 * 4), b.target.lanes, count: count)
    }
  }

  /// Emits what becomes of the pixel `x`.
  func apply(_ b: Builder, _ x: Value, _ scaleShift: [Value]) -> Value {
    let value = scaleShift.isEmpty ? x : b.multiplyAdd(x, scaleShift[0], scaleShift[1])
    return b.activate(activation, value)
  }
}
