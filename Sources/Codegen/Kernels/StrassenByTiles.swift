import IR

/// The seven products of a tile follow each other in registers, before those of the next tile
/// (``StrassenTile``).
///
/// Where a tile is as wide as a panel, it reads the panels' cache lines one after the other, and
/// does enough with each to hide that they come from the L2 cache.
///
/// The right operands that are sums are made from the panels by the first tile of each chunk, and
/// stay in the L2 cache. The left ones are made once for each block of pairs.
struct StrassenByTiles: StrassenOrder {
  let kernel: StrassenKernel
  let target: Target

  /// As many as have left operands that stay near the processor.
  static let mostPairs = 112
  var chunks: Int { StrassenShape.chunks(depth: kernel.depth) }
  /// The sums of a row follow each other in the order of their use: one stream for each row.
  var left: StrassenLeftLayout {
    let stride = RowStride.padded(StrassenLeft.sums.count * chunkHalf)
    return StrassenLeftLayout(
      operands: StrassenLeft.sums, depth: chunkHalf, chunks: chunks, pairStride: stride,
      operandStride: chunkHalf, chunkStride: blockPairs * stride)
  }
  var chunkBytes: Int { StrassenPanels.sumBytes(depth: chunkHalf) }

  func multiply(_ b: Builder, _ block: StrassenBlock, a: Value, panel: Value) {
    b.forLoop(from: b.constant(0), to: b.constant(chunks)) { index, _ in
      tiles(
        b, block, a: b.element(a, b.multiply(index, b.constant(2 * chunkHalf))),
        leftSums: b.element(block.scratch, b.multiply(index, b.constant(left.chunkStride))),
        panel: b.offset(
          panel, b.multiply(index, b.constant(2 * chunkHalf * Tile.panelWidth * 4))),
        isLater: b.less(b.constant(0), index))
      return []
    }
  }

  /// Emits the tiles of a block against one chunk of a pair of panels.
  private func tiles(
    _ b: Builder, _ block: StrassenBlock, a: Value, leftSums: Value, panel: Value, isLater: Value
  ) {
    let height = b.constant(target.tileRows)
    let count = b.divide(b.add(block.count, b.constant(target.tileRows - 1)), height)
    var shape = StrassenTile(
      rows: 1, depth: chunkHalf, aStride: kernel.aStride, sumStride: left.pairStride,
      partnerDistance: kernel.rows / 2 * kernel.aStride, quarterStride: quarterStride,
      accumulates: chunks > 1, makesRight: true, prefetchedLines: prefetchedLines)
    let distance = b.constant(kernel.panelDistance)
    let ahead = b.offset(panel, bytes: 2 * chunkHalf * Tile.panelWidth * 4)
    let sliceBytes = prefetchStep * (chunkHalf / 4) * StrassenTile.loopsAhead
    func tile(_ index: Value) {
      let (row, end) = b.share(of: block.count, index, of: count)
      func rowAddress(_ base: Value, _ stride: Int) -> Value {
        b.element(base, b.multiply(row, b.constant(stride)))
      }
      let results = rowAddress(b.offset(block.scratch, bytes: resultsOffset), Tile.panelWidth)
      let scales = rowAddress(
        b.offset(block.scratch, bytes: scalesOffset), StrassenScales.stride)
      let right = b.offset(block.scratch, bytes: chunkOffset)
      b.choose(b.subtract(end, row), among: heights) { rows in
        shape.rows = rows
        for part in 0..<parts {
          let partBytes = part * target.tileColumns * 4
          let slice = b.add(
            b.multiply(index, b.constant(parts * sliceBytes)), b.constant(part * sliceBytes))
          let aheadLeft = b.offset(ahead, slice)
          func ofPart(_ address: Value) -> Value { b.offset(address, bytes: partBytes) }
          b.call(
            shape,
            [
              .a: rowAddress(a, kernel.aStride),
              .leftSums: rowAddress(leftSums, left.pairStride), .panel: ofPart(panel),
              .rightSums: ofPart(right), .sums: ofPart(results), .scales: scales,
              .aheadLeft: aheadLeft, .aheadRight: b.offset(aheadLeft, distance),
              .step: b.constant(prefetchStep), .distance: distance,
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

  /// The tiles across a panel.
  private var parts: Int { Tile.panelWidth / target.tileColumns }

  /// How far the prefetches move in each round, so that the tiles bring both next chunks in.
  private var prefetchStep: Int {
    let rounds = prefetchingTiles * parts * (chunkHalf / 4) * StrassenTile.loopsAhead
    let bytes = 2 * chunkHalf * Tile.panelWidth * 4
    return (bytes + rounds - 1) / rounds
  }
  private var prefetchedLines: Int {
    (prefetchStep + target.lineBytes - 1) / target.lineBytes
  }
}
