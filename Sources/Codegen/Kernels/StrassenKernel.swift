import IR

/// A fused linear layer by one level of Strassen's algorithm in Winograd's form: seven matmuls of
/// half the rows, columns and depth instead of eight.
///
/// Rows `m` and `m + rows / 2`, columns `n` and `n + columns / 2` and, within a chunk of the depth,
/// the steps `k` and `k + chunk / 2` belong together. An odd number of rows makes one pair more
/// than half of them, and one row is in two: as the second of the first pair it is not stored.
///
/// The panels are those that every fused linear layer reads: the right operands that are sums are
/// made from them by the first tile of each chunk, and stay in the L2 cache. The left ones are
/// made once for each block of pairs.
///
/// Additions before the multiplications cost precision (Higham, "Accuracy and Stability of
/// Numerical Algorithms", 2nd ed., section 23.2.2, has the bound): the logits of ViT-B/16 with
/// `seed:1` are off from float64 by 1.4e-6 (relative L2) instead of 8.3e-7.
struct StrassenKernel: StepKernel {
  enum Parameter: StepParameter {
    case a, panels, c, bias, residual, scratch, task, count
    var isUnaliased: Bool { self == .panels }
  }

  /// The extents: `A` is `[rows, depth]`, `C` is `[rows, columns]`; what ``StrassenShape`` allows.
  var rows: Int
  var columns: Int
  var depth: Int
  /// Elements from one row to the next.
  var aStride: Int
  var cStride: Int
  var residualStride = 0
  /// As in ``FusedLinearKernel``.
  var epsilon: Float?
  var hasBias = false
  var activation: ActivationFunction?
  var hasResidual = false

  /// The pairs of rows in a block, whose left operands should stay near the processor.
  private static let pairsPerBlock = 112
  /// Fewer pairs than this in a task would read the weights too often: columns are divided too.
  private static let pairsPerTask = 24

  /// What the sums of a row's halves take for each number, where making it ready for other products
  /// takes 1: ViT-B/16 on 16 to 64 tasks of a Zen 4.
  private static let sumCost = 4

  private var pairs: Int { (rows + 1) / 2 }
  private var chunks: Int { StrassenShape.chunks(depth: depth) }
  /// Half a chunk of the depth.
  private var chunkHalf: Int { depth / chunks / 2 }
  private var panelPairs: Int { columns / (2 * Tile.panelWidth) }
  private var rowTasks: Int { max(1, pairs / StrassenKernel.pairsPerTask) }
  /// The most pairs in a block.
  private var blockRows: Int { min(pairs, StrassenKernel.pairsPerBlock) }

  // The sums of a row follow each other in the order of their use: one stream for each row.
  private var sumStride: Int { RowStride.padded(StrassenLeft.allCases.count * chunkHalf) }
  private var chunkStride: Int { blockRows * sumStride }
  private var quarterStride: Int { StrassenKernel.pairsPerBlock * Tile.panelWidth }

  // The parts of the scratch memory, in bytes from its start.
  private var rightOffset: Int { chunks * chunkStride * 4 }
  private var resultsOffset: Int { rightOffset + StrassenPanels.sumBytes(depth: chunkHalf) }
  private var scalesOffset: Int {
    resultsOffset + StrassenQuarter.allCases.count * quarterStride * 4
  }

  /// The scratch memory of one task: the left sums of a block, the right sums of a chunk, the
  /// results of a block and a pair of panels, and the scales of the block's rows.
  var scratchBytes: Int {
    scalesOffset + (blockRows * StrassenScales.stride * 4 + 63) / 64 * 64
  }

  private var finish: StrassenFinish {
    StrassenFinish(
      cStride: cStride, residualStride: residualStride, scalesRows: epsilon == nil,
      hasBias: hasBias, activation: activation, hasResidual: hasResidual)
  }
  var title: String { "strassen_\(rows)x\(columns)x\(depth)" }

  func division(on target: Target) -> Division {
    Division(
      rows: pairs, rowTasks: rowTasks, columns: panelPairs, rule: .fewestIdle,
      prepared: StrassenKernel.sumCost * rows * depth)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let grid = b.taskGrid(count: p[.count], rowTasks: rowTasks, columnTasks: panelPairs)
    b.ifThen(b.less(p[.task], b.multiply(grid.rows, grid.columns))) {
      let (firstPair, endPair) = b.share(
        of: b.constant(pairs), b.remainder(p[.task], grid.rows), of: grid.rows)
      let (firstPanel, endPanel) = b.share(
        of: b.constant(panelPairs), b.divide(p[.task], grid.rows), of: grid.columns)
      let count = b.subtract(endPair, firstPair)
      let blocks = b.divide(
        b.add(count, b.constant(blockRows - 1)), b.constant(blockRows))
      b.forLoop(from: b.constant(0), to: blocks) { index, _ in
        let (first, end) = b.share(of: count, index, of: blocks)
        let block = Block(first: b.add(firstPair, first), count: b.subtract(end, first))
        makeSums(b, p, block)
        b.forLoop(from: firstPanel, to: endPanel) { panel, _ in
          multiply(b, p, block, panel)
          return []
        }
        return []
      }
    }
  }

  /// Some pairs of rows.
  private struct Block {
    let first: Value
    let count: Value
  }

  /// Emits the left operands of a block that are sums.
  private func makeSums(_ b: Builder, _ p: Arguments<Parameter>, _ block: Block) {
    let makeSums = StrassenRows(
      stride: aStride, distance: rows / 2 * aStride, depth: chunkHalf, chunks: chunks,
      epsilon: epsilon, sumStride: sumStride, chunkStride: chunkStride)
    let scales = b.offset(p[.scratch], bytes: scalesOffset)
    b.forLoop(from: b.constant(0), to: block.count) { index, _ in
      let row = b.multiply(b.add(block.first, index), b.constant(aStride))
      b.call(
        makeSums,
        [
          .row: b.element(p[.a], row),
          .sums: b.element(p[.scratch], b.multiply(index, b.constant(sumStride))),
          .scales: b.element(scales, b.multiply(index, b.constant(StrassenScales.stride))),
        ])
      return []
    }
  }

  /// Emits all matmuls of a block with one pair of panels, and their epilogue.
  private func multiply(_ b: Builder, _ p: Arguments<Parameter>, _ block: Block, _ panel: Value) {
    let panelBytes = depth * Tile.panelWidth * 4
    let left = b.offset(p[.panels], b.multiply(panel, b.constant(panelBytes)))
    let a = b.element(p[.a], b.multiply(block.first, b.constant(aStride)))
    b.forLoop(from: b.constant(0), to: b.constant(chunks)) { index, _ in
      tiles(
        b, p[.scratch], block, a: b.element(a, b.multiply(index, b.constant(2 * chunkHalf))),
        leftSums: b.element(p[.scratch], b.multiply(index, b.constant(chunkStride))),
        panel: b.offset(
          left, b.multiply(index, b.constant(2 * chunkHalf * Tile.panelWidth * 4))),
        isLater: b.less(b.constant(0), index))
      return []
    }
    for quarter in StrassenQuarter.allCases {
      let (half, column) = (quarter.rawValue / 2, quarter.rawValue % 2)
      // Of an odd number of rows, the second row of the first pair is the first of another.
      let skipped =
        half == 1 && rows % 2 == 1
        ? b.maximum(b.subtract(b.constant(1), block.first), b.constant(0)) : b.constant(0)
      let first = b.add(b.add(block.first, skipped), b.constant(half * (rows / 2)))
      let columnBytes = b.add(
        b.multiply(panel, b.constant(Tile.panelWidth * 4)), b.constant(column * columns / 2 * 4))
      func matrix(_ base: Value, stride: Int) -> Value {
        b.offset(b.element(base, b.multiply(first, b.constant(stride))), columnBytes)
      }
      func scratch(_ offset: Int, stride: Int) -> Value {
        b.element(
          b.offset(p[.scratch], bytes: offset), b.multiply(skipped, b.constant(stride)))
      }
      b.call(
        finish,
        [
          .sums: scratch(
            resultsOffset + quarter.rawValue * quarterStride * 4, stride: Tile.panelWidth),
          .c: matrix(p[.c], stride: cStride),
          .bias: hasBias ? b.offset(p[.bias], columnBytes) : p[.bias],
          .residual: hasResidual ? matrix(p[.residual], stride: residualStride) : p[.residual],
          .scales: scratch(scalesOffset + (2 + half) * 4, stride: StrassenScales.stride),
          .rows: b.subtract(block.count, skipped),
        ])
    }
  }

  /// Emits the tiles of a block against one chunk of a pair of panels.
  private func tiles(
    _ b: Builder, _ scratch: Value, _ block: Block, a: Value, leftSums: Value, panel: Value,
    isLater: Value
  ) {
    let target = b.target
    let height = b.constant(target.tileRows)
    let count = b.divide(b.add(block.count, b.constant(target.tileRows - 1)), height)
    let perPanel = Tile.panelWidth / target.tileColumns
    var shape = StrassenTile(
      rows: 1, depth: chunkHalf, aStride: aStride, sumStride: sumStride,
      partnerDistance: rows / 2 * aStride, quarterStride: quarterStride, accumulates: chunks > 1,
      makesRight: true, prefetchedLines: prefetchedLines(target))
    let distance = b.constant(panelPairs * depth * Tile.panelWidth * 4)
    let ahead = b.offset(panel, bytes: 2 * chunkHalf * Tile.panelWidth * 4)
    let step = prefetchStep(target)
    let sliceBytes = step * (chunkHalf / 4) * StrassenTile.loopsAhead
    func tile(_ index: Value) {
      let (row, end) = b.share(of: block.count, index, of: count)
      func rowAddress(_ base: Value, _ stride: Int) -> Value {
        b.element(base, b.multiply(row, b.constant(stride)))
      }
      let results = rowAddress(b.offset(scratch, bytes: resultsOffset), Tile.panelWidth)
      let scales = rowAddress(b.offset(scratch, bytes: scalesOffset), StrassenScales.stride)
      let right = b.offset(scratch, bytes: rightOffset)
      b.choose(b.subtract(end, row), among: heights(target)) { rows in
        shape.rows = rows
        for part in 0..<perPanel {
          let partBytes = part * target.tileColumns * 4
          let slice = b.add(
            b.multiply(index, b.constant(perPanel * sliceBytes)), b.constant(part * sliceBytes))
          let aheadLeft = b.offset(ahead, slice)
          func ofPart(_ address: Value) -> Value { b.offset(address, bytes: partBytes) }
          b.call(
            shape,
            [
              .a: rowAddress(a, aStride), .leftSums: rowAddress(leftSums, sumStride),
              .panel: ofPart(panel), .rightSums: ofPart(right), .sums: ofPart(results),
              .scales: scales, .aheadLeft: aheadLeft, .aheadRight: b.offset(aheadLeft, distance),
              .step: b.constant(step), .distance: distance,
              .isLater: b.select(isLater, b.constant32(-1), b.constant32(0)),
            ])
        }
      }
    }
    tile(b.constant(0))
    shape.makesRight = false
    b.forLoop(from: b.constant(1), to: count) { index, _ in
      tile(index)
      return []
    }
  }

  /// The tiles that share the prefetches of a chunk, at least.
  private func leastTiles(_ target: Target) -> Int {
    let pairs = pairs / min(rowTasks, TileLoop.mostRowTasks)
    let blocks = (pairs + blockRows - 1) / blockRows
    return max(1, RowTiles.count(rows: pairs / blocks, height: target.tileRows))
      * (Tile.panelWidth / target.tileColumns)
  }

  /// How far the prefetches move in each round, so that the tiles bring both next chunks in.
  private func prefetchStep(_ target: Target) -> Int {
    let rounds = leastTiles(target) * (chunkHalf / 4) * StrassenTile.loopsAhead
    let bytes = 2 * chunkHalf * Tile.panelWidth * 4
    return (bytes + rounds - 1) / rounds
  }
  private func prefetchedLines(_ target: Target) -> Int {
    (prefetchStep(target) + target.lineBytes - 1) / target.lineBytes
  }

  /// The heights of tiles that occur for any number of tasks.
  private func heights(_ target: Target) -> [Int] {
    var heights: Set<Int> = []
    for tasks in 1...rowTasks {
      for pairs in [pairs / tasks, (pairs + tasks - 1) / tasks] {
        let blocks = (pairs + blockRows - 1) / blockRows
        for count in [pairs / blocks, (pairs + blocks - 1) / blocks] {
          heights.formUnion(RowTiles.heights(rows: count, height: target.tileRows))
        }
      }
    }
    return heights.sorted()
  }
}
