import IR

/// A fused linear layer by one level of Strassen's algorithm in Winograd's form: seven matmuls of
/// half the rows, columns and depth instead of eight.
///
/// Rows `m` and `m + rows / 2`, columns `n` and `n + columns / 2` and, within a chunk of the depth,
/// the steps `k` and `k + chunk / 2` belong together. An odd number of rows makes one pair more
/// than half of them, and one row is in two: as the second of the first pair it is not stored.
///
/// The panels are those that every fused linear layer reads: the right operands that are sums are
/// made from them while tiles multiply. The left ones are made once for each block of pairs.
///
/// Additions before the multiplications cost precision (Higham, "Accuracy and Stability of
/// Numerical Algorithms", 2nd ed., section 23.2.2, has the bound): the logits of ViT-B/16 with
/// `seed:1` are off from float64 by 1.4e-6 (relative L2) instead of 8.3e-7.
struct StrassenKernel: StepKernel {
  enum Parameter: PieceParameter {
    case a, panels, c, bias, residual, scratch, task, count, pieces, spare
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

  /// Fewer pairs than this in a task would read the weights too often: columns are divided too.
  private static let pairsPerTask = 24

  /// What the sums of a row's halves take for each number, where making it ready for other products
  /// takes 1: ViT-B/16 on 16 to 64 tasks of a Zen 4.
  private static let sumCost = 4

  var pairs: Int { (rows + 1) / 2 }
  var panelPairs: Int { columns / (2 * Tile.panelWidth) }
  var rowTasks: Int { max(1, pairs / StrassenKernel.pairsPerTask) }
  /// The bytes from a panel to the one that it forms a pair with.
  var panelDistance: Int { panelPairs * depth * Tile.panelWidth * 4 }

  /// How the products of a block follow each other on a target.
  ///
  /// Measured on a Zen 4 and a Zen 3; on Arm nothing was.
  private func order(_ target: Target) -> any StrassenOrder {
    target.tileColumns < Tile.panelWidth && target.isX86
      ? StrassenByProducts(kernel: self, target: target)
      : StrassenByTiles(kernel: self, target: target)
  }

  /// The scratch memory of one task: the operands of a block and a chunk, the results of a block
  /// and a pair of panels, and the scales of the block's rows.
  func scratchBytes(_ target: Target) -> Int {
    let order = order(target)
    return order.scalesOffset + (order.blockPairs * StrassenScales.stride * 4 + 63) / 64 * 64
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
    let order = order(b.target)
    let grid = b.taskGrid(count: p[.count], rowTasks: rowTasks, columnTasks: panelPairs)
    b.ifThen(b.less(p[.task], b.multiply(grid.rows, grid.columns))) {
      let (firstPair, endPair) = b.share(
        of: b.constant(pairs), b.remainder(p[.task], grid.rows), of: grid.rows)
      let (firstPanel, endPanel) = b.share(
        of: b.constant(panelPairs), b.divide(p[.task], grid.rows), of: grid.columns)
      let count = b.subtract(endPair, firstPair)
      let blocks = b.divide(
        b.add(count, b.constant(order.blockPairs - 1)), b.constant(order.blockPairs))
      b.forEach(Pieces(p), blocks: blocks, panels: (firstPanel, endPanel)) {
        index, isNew, panel, _ in
        let (first, end) = b.share(of: count, index, of: blocks)
        let block = StrassenBlock(
          first: b.add(firstPair, first), count: b.subtract(end, first), scratch: p[.scratch])
        b.ifThen(isNew) { makeSums(b, p[.a], block, order) }
        let panelBytes = depth * Tile.panelWidth * 4
        order.multiply(
          b, block, a: b.element(p[.a], b.multiply(block.first, b.constant(aStride))),
          panel: b.offset(p[.panels], b.multiply(panel, b.constant(panelBytes))))
        finish(b, p, block, panel, order)
        return []
      }
    }
  }

  /// Emits the left operands of a block.
  private func makeSums(
    _ b: Builder, _ a: Value, _ block: StrassenBlock, _ order: any StrassenOrder
  ) {
    let scales = b.offset(block.scratch, bytes: order.scalesOffset)
    b.forLoop(from: b.constant(0), to: block.count) { index, _ in
      let row = b.multiply(b.add(block.first, index), b.constant(aStride))
      b.call(
        order.left.rows(of: self),
        [
          .row: b.element(a, row),
          .operands: b.element(
            block.scratch, b.multiply(index, b.constant(order.left.pairStride))),
          .scales: b.element(scales, b.multiply(index, b.constant(StrassenScales.stride))),
        ])
      return []
    }
  }

  /// Emits the epilogue of a block and a pair of panels.
  private func finish(
    _ b: Builder, _ p: Arguments<Parameter>, _ block: StrassenBlock, _ panel: Value,
    _ order: any StrassenOrder
  ) {
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
          b.offset(block.scratch, bytes: offset), b.multiply(skipped, b.constant(stride)))
      }
      b.call(
        finish,
        [
          .sums: scratch(
            order.resultsOffset + quarter.rawValue * order.quarterStride * 4,
            stride: Tile.panelWidth),
          .c: matrix(p[.c], stride: cStride),
          .bias: hasBias ? b.offset(p[.bias], columnBytes) : p[.bias],
          .residual: hasResidual ? matrix(p[.residual], stride: residualStride) : p[.residual],
          .scales: scratch(order.scalesOffset + (2 + half) * 4, stride: StrassenScales.stride),
          .rows: b.subtract(block.count, skipped),
        ])
    }
  }
}
