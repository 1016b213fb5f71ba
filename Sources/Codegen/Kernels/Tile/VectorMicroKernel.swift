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
  /// `true` iff the operands are widened: each part of a group is a step of its own, and its two
  /// parts, which add to the same sums, follow each other as where they are widened in registers.
  let isWidened: Bool
  /// Words from one row of the panel to the next.
  let panelStride: Int

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
    let parts = isWidened ? format.parts(on: b.target) : 1
    let multipliesByLane =
      isWidened
      ? b.target.hasLaneFMA && !format.sumsIntegers : format.multipliesByLane(on: b.target)
    func leftAddress(_ offset: Int, _ k: Int) -> Value {
      b.offset(a, bytes: (offset * parts + k) * 4)
    }
    func left(_ words: Value) -> [Value] {
      isWidened ? [format.part(b, words)] : format.left(b, words)
    }
    func right(_ words: Value) -> [Value] {
      isWidened ? [format.part(b, words)] : format.right(b, words)
    }
    // With multiplication by a lane, four steps of each row come in one load.
    var fours: [Value] = []
    for k in 0..<count * parts {
      let byLane = multipliesByLane && k / 4 * 4 + 4 <= count * parts
      if byLane, k % 4 == 0 {
        fours = rowOffsets.map {
          let words = b.load(b.vector(4, of: group), leftAddress($0, k))
          return isWidened ? format.part(b, words) : words
        }
      }
      let right = (0..<vectors).map {
        let bytes = (k * panelStride + $0 * lanes) * 4
        return right(
          makeRight?(panel, bytes)
            ?? b.load(
              b.vector(lanes, of: group), b.offset(panel, bytes: bytes), alignment: lanes * 4))
      }
      for (row, offset) in rowOffsets.enumerated() {
        let repeated =
          byLane
          ? b.shuffle(fours[row], Array(repeating: k % 4, count: lanes))
          : b.splat(b.load(group, leftAddress(offset, k)), lanes)
        let left = byLane && isWidened ? [repeated] : left(repeated)
        let chain = k / parts % accumulatorsPerSum
        let first = (chain * rowOffsets.count + row) * vectors
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
