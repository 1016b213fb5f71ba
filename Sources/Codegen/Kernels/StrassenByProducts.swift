import IR

/// Each of the seven products goes over all tiles of a block before the next one begins
/// (``StrassenProduct``): the order of Goto and van de Geijn, "Anatomy of High-Performance Matrix
/// Multiplication" (2008).
///
/// Where several tiles lie across a panel, a tile does too little with each of its cache lines to
/// hide that they come from the L2 cache. Here one right operand at a time is in the L1 cache, as
/// wide as a tile and without gaps. The first tiles of each product make a later one's operand.
/// The left operands lie in the order of their use, so that they come in one stream.
struct StrassenByProducts: StrassenOrder {
  let kernel: StrassenKernel
  let target: Target

  /// The most steps of the depth in half a chunk.
  ///
  /// A right operand of so many stays in an L1 cache of 32 KB beside the rows that stream through
  /// it. On a Zen 3 halves of 192 and 256 took as long in ViT-B/16, of 128 and 384 1 % longer, and
  /// of 272 7 % less time than of 128 in the second layer of so400m's MLPs (depth 4352).
  private static let longestHalf = 272

  /// So many that few of the tiles have an operand to make: ViT-B/16 takes 3 % longer with half as
  /// many.
  static let mostPairs = 112
  var chunks: Int {
    let lines = kernel.depth / 32
    return (1...lines).first { lines % $0 == 0 && lines / $0 * 16 <= Self.longestHalf } ?? lines
  }
  var left: StrassenLeftLayout {
    let operandStride = blockPairs * chunkHalf
    return StrassenLeftLayout(
      operands: StrassenLeft.allCases, depth: chunkHalf, chunks: chunks, pairStride: chunkHalf,
      operandStride: operandStride, chunkStride: StrassenLeft.allCases.count * operandStride)
  }
  /// The right operands, and two partial sums of each row.
  var chunkBytes: Int { partialsOffset(2) - chunkOffset }

  private var rightBytes: Int { chunkHalf * target.tileColumns * 4 }
  private func partialsOffset(_ number: Int) -> Int {
    chunkOffset + StrassenProduct.Which.Memory.allCases.count * rightBytes
      + number * blockPairs * target.tileColumns * 4
  }
  /// The tiles across a panel.
  private var parts: Int { Tile.panelWidth / target.tileColumns }

  func multiply(_ b: Builder, _ block: StrassenBlock, a: Value, panel: Value) {
    copyFirstOperand(b, block, panel: panel)
    let chunkPanelBytes = 2 * chunkHalf * Tile.panelWidth * 4
    b.forLoop(from: b.constant(0), to: b.constant(chunks)) { index, _ in
      let leftOperands = b.element(
        block.scratch, b.multiply(index, b.constant(left.chunkStride)))
      let panel = b.offset(panel, b.multiply(index, b.constant(chunkPanelBytes)))
      let partBytes = b.constant(target.tileColumns * 4)
      b.forLoop(from: b.constant(0), to: b.constant(parts)) { part, _ in
        let place = b.multiply(part, partBytes)
        let isLast = b.equal(part, b.constant(parts - 1))
        // The first half of the parts brings the left panel's next chunk in, the other the right's.
        let slice = b.multiply(part, b.constant(2 * chunkPanelBytes / parts))
        let isRight = b.less(b.constant(parts / 2 - 1), part)
        let toRight = b.constant(kernel.panelDistance - chunkPanelBytes)
        products(
          b, block, leftOperands: leftOperands, panel: b.offset(panel, place),
          next: b.offset(
            panel, b.select(isLast, b.constant(chunkPanelBytes), b.add(place, partBytes))),
          results: b.offset(b.offset(block.scratch, bytes: resultsOffset), place),
          ahead: b.offset(
            b.offset(panel, bytes: chunkPanelBytes),
            b.add(slice, b.select(isRight, toRight, b.constant(0)))),
          isLater: b.less(b.constant(0), index))
        return []
      }
      return []
    }
  }

  /// Emits the copy of the first right operand, which no product before has made.
  private func copyFirstOperand(_ b: Builder, _ block: StrassenBlock, panel: Value) {
    let right = b.offset(block.scratch, bytes: chunkOffset)
    b.forLoop(from: b.constant(0), to: b.constant(chunkHalf)) { row, _ in
      for column in stride(from: 0, to: target.tileColumns, by: target.lanes) {
        func place(_ base: Value, _ width: Int) -> Value {
          b.offset(b.element(base, b.multiply(row, b.constant(width))), bytes: column * 4)
        }
        let vector = b.load(
          b.floats(target.lanes), place(panel, Tile.panelWidth), alignment: target.lanes * 4)
        b.store(vector, place(right, target.tileColumns), alignment: target.lanes * 4)
      }
      return []
    }
  }

  /// Emits the products of a block with a part of one chunk of a pair of panels.
  private func products(
    _ b: Builder, _ block: StrassenBlock, leftOperands: Value, panel: Value, next: Value,
    results: Value, ahead: Value, isLater: Value
  ) {
    let count = b.divide(
      b.add(block.count, b.constant(target.tileRows - 1)), b.constant(target.tileRows))
    func right(_ memory: StrassenProduct.Which.Memory) -> Value {
      b.offset(block.scratch, bytes: chunkOffset + memory.rawValue * rightBytes)
    }
    let all = StrassenProduct.Which.allCases
    for (number, product) in all.enumerated() {
      var shape = StrassenProduct(
        which: product, rows: 1, depth: chunkHalf, quarterStride: quarterStride,
        accumulates: chunks > 1, rowsMade: 0,
        prefetchedLines: (prefetchStep + target.lineBytes - 1) / target.lineBytes)
      let tilePrefetchBytes = chunkHalf / 4 * prefetchStep
      func tile(_ index: Value) {
        let (row, end) = b.share(of: block.count, index, of: count)
        func rowAddress(_ base: Value, _ stride: Int) -> Value {
          b.element(base, b.multiply(row, b.constant(stride)))
        }
        func partial(_ number: Int) -> Value {
          rowAddress(
            b.offset(block.scratch, bytes: partialsOffset(number)), target.tileColumns)
        }
        let made = b.multiply(index, b.constant(chunkHalf / 4 * rowsMade))
        func madeRow(_ base: Value, _ width: Int) -> Value {
          b.element(base, b.multiply(made, b.constant(width)))
        }
        let order = b.add(b.multiply(count, b.constant(number)), index)
        b.choose(b.subtract(end, row), among: heights) { rows in
          shape.rows = rows
          b.call(
            shape,
            [
              .left: rowAddress(
                b.offset(leftOperands, bytes: number * left.operandStride * 4),
                left.pairStride),
              .right: right(product.right),
              .made: madeRow(right(product.makes ?? .t1), target.tileColumns),
              .t1: madeRow(right(.t1), target.tileColumns),
              .panel: madeRow(product == .s1t1 ? next : panel, Tile.panelWidth),
              .u: partial(0), .p7: partial(1), .sums: rowAddress(results, Tile.panelWidth),
              .distance: b.constant(kernel.panelDistance),
              .ahead: b.offset(ahead, b.multiply(order, b.constant(tilePrefetchBytes))),
              .step: b.constant(prefetchStep),
              .isLater: b.select(isLater, b.constant32(-1), b.constant32(0)),
            ])
        }
      }
      let makingTiles = product.makes == nil ? 0 : 4 / rowsMade
      if makingTiles > 0 {
        shape.rowsMade = rowsMade
        b.forLoop(from: b.constant(0), to: b.constant(makingTiles)) { index, _ in
          tile(index)
          return []
        }
        shape.rowsMade = 0
      }
      b.forLoop(from: b.constant(makingTiles), to: count) { index, _ in
        tile(index)
        return []
      }
    }
  }

  /// The rows of the next right operand that each round of a tile makes: as few as leave none to be
  /// made when the tiles are done.
  private var rowsMade: Int { leastTiles >= 4 ? 1 : leastTiles >= 2 ? 2 : 4 }

  /// How far the prefetches move in each round, so that the tiles bring both next chunks in.
  private var prefetchStep: Int {
    let rounds = StrassenProduct.Which.allCases.count * prefetchingTiles * parts * (chunkHalf / 4)
    let bytes = 4 * chunkHalf * Tile.panelWidth * 4
    return (bytes + rounds - 1) / rounds
  }
}
