import IR

/// A register tile of vectors: a step broadcasts a group of each row, and multiplies it by a row of
/// the panel.
struct VectorMicroKernel: MicroKernel {
  let format: any NumberFormat
  /// Groups from the first row of A to each row.
  let rowOffsets: [Int]
  /// The vectors across the tile.
  let vectors: Int
  /// The accumulators of each sum, which take turns.
  let accumulatorsPerSum: Int

  var unroll: Int { max(4, accumulatorsPerSum) }
  var sumCount: Int { accumulatorsPerSum * rowOffsets.count * vectors }

  func accumulators(_ b: Builder, holding sums: [Value]) -> [Value] { sums }
  func sums(_ b: Builder, in accumulators: [Value]) -> [Value] { accumulators }

  func steps(
    _ b: Builder, _ count: Int, a: Value, panel: Value, onto accumulators: inout [Value],
    right makeRight: RightOperand?
  ) {
    let lanes = b.target.lanes
    let group = format.groupType(b)
    // With multiplication by a lane, four steps of each row come in one load.
    var fours: [Value] = []
    for k in 0..<count {
      let byLane = format.multipliesByLane(on: b.target) && k / 4 * 4 + 4 <= count
      if byLane, k % 4 == 0 {
        fours = rowOffsets.map { b.load(b.vector(4, of: group), b.offset(a, bytes: ($0 + k) * 4)) }
      }
      let right = (0..<vectors).map {
        let bytes = (k * Tile.panelWidth + $0 * lanes) * 4
        return format.right(
          b,
          makeRight?(panel, bytes)
            ?? b.load(
              b.vector(lanes, of: group), b.offset(panel, bytes: bytes), alignment: lanes * 4))
      }
      for (row, offset) in rowOffsets.enumerated() {
        let groups =
          byLane
          ? b.shuffle(fours[row], Array(repeating: k % 4, count: lanes))
          : b.splat(b.load(group, b.offset(a, bytes: (offset + k) * 4)), lanes)
        let left = format.left(b, groups)
        let first = ((k % accumulatorsPerSum) * rowOffsets.count + row) * vectors
        for vector in 0..<vectors {
          accumulators[first + vector] = format.multiplyAdd(
            b, left, right[vector], accumulators[first + vector])
        }
        // One row after the other: the processor looks ahead by itself, and a scheduler that does
        // it for the sake of latency needs registers that a full tile does not leave.
        let range = first..<first + vectors
        accumulators.replaceSubrange(range, with: b.orderMemory(after: Array(accumulators[range])))
      }
    }
  }

  func total(_ b: Builder, _ sums: [Value]) -> [Value] {
    var (sums, width) = (sums, accumulatorsPerSum)
    let count = rowOffsets.count * vectors
    while width > 1 {
      width /= 2
      for i in 0..<width * count { sums[i] = format.add(b, sums[i], sums[i + width * count]) }
    }
    return Array(sums[..<count])
  }
}
