/// In which order a block of ``StrassenKernel`` multiplies, and what lies where meanwhile.
protocol StrassenOrder {
  var kernel: StrassenKernel { get }
  var target: Target { get }
  /// The most pairs of rows in a block, whatever the number of rows.
  static var mostPairs: Int { get }
  /// The chunks of the depth.
  var chunks: Int { get }
  /// The left operands of a block, at the start of the scratch memory.
  var left: StrassenLeftLayout { get }
  /// The bytes of what else is kept while a block is multiplied by a chunk.
  var chunkBytes: Int { get }

  /// Emits all products of a block with one pair of panels: the quarters of the result, which
  /// ``StrassenFinish`` takes.
  ///
  /// - Parameters:
  ///   - a: The first row of the block.
  ///   - panel: The left panel.
  func multiply(_ b: Builder, _ block: StrassenBlock, a: Value, panel: Value)
}

/// Some pairs of rows, and the memory of the task.
struct StrassenBlock {
  let first: Value
  let count: Value
  let scratch: Value
}

extension StrassenOrder {
  /// The most pairs of rows in a block.
  var blockPairs: Int { min(kernel.pairs, Self.mostPairs) }
  /// Half a chunk of the depth.
  var chunkHalf: Int { kernel.depth / chunks / 2 }
  /// Elements between two quarters of the results; the same for all layers, which share tiles.
  var quarterStride: Int { Self.mostPairs * Tile.panelWidth }

  // The parts of the scratch memory after the left operands, in bytes from its start.
  var chunkOffset: Int { left.bytes }
  var resultsOffset: Int { chunkOffset + chunkBytes }
  var scalesOffset: Int { resultsOffset + StrassenQuarter.allCases.count * quarterStride * 4 }

  /// The tiles of one width among which prefetches are divided: those of a task's block.
  var prefetchingTiles: Int {
    let pairs = kernel.pairs / min(kernel.rowTasks, TileLoop.mostRowTasks)
    let blocks = (pairs + blockPairs - 1) / blockPairs
    return max(1, RowTiles.count(rows: pairs / blocks, height: target.tileRows))
  }

  /// The fewest tiles of one width that a block has, for any number of tasks.
  var leastTiles: Int {
    blockSizes.map { RowTiles.count(rows: $0, height: target.tileRows) }.min() ?? 1
  }

  /// The heights of tiles that occur for any number of tasks.
  var heights: [Int] {
    Set(blockSizes.flatMap { RowTiles.heights(rows: $0, height: target.tileRows) }).sorted()
  }

  /// The pairs in a block that occur for any number of tasks.
  private var blockSizes: Set<Int> {
    var sizes: Set<Int> = []
    for tasks in 1...kernel.rowTasks {
      for pairs in [kernel.pairs / tasks, (kernel.pairs + tasks - 1) / tasks] {
        let blocks = (pairs + blockPairs - 1) / blockPairs
        sizes.formUnion([pairs / blocks, (pairs + blocks - 1) / blocks])
      }
    }
    return sizes
  }
}
