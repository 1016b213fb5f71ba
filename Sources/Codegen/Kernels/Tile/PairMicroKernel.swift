import IR

/// A register tile of matrices of 2 x 2 sums: a step multiplies two groups of two rows by two
/// groups of two columns, as they lie ``Arrangement/paired``.
struct PairMicroKernel: MicroKernel {
  let pairs: any PairFormat
  /// Words from the first row of A to the first row of each pair; the last pair may be of one row.
  let pairOffsets: [Int]
  let rows: Int
  /// The vectors across the tile.
  let vectors: Int
  /// Words from one row of the panel to the next.
  let panelStride: Int

  var format: any NumberFormat { pairs }
  /// The rounds, and so the blocks of a sum, are those of ``VectorMicroKernel``.
  var unroll: Int { 4 }
  var sumCount: Int { rows * vectors }
  /// The pairs of columns.
  private var columnPairs: Int { 2 * vectors }

  /// Of a pair of rows and a vector of columns: the sums of each row become those of each pair of
  /// columns, and the other way round.
  private func exchange(_ b: Builder, _ one: Value, _ other: Value) -> [Value] {
    [[0, 1, 4, 5], [2, 3, 6, 7]].map { b.shuffle(one, with: other, $0) }
  }

  func accumulators(_ b: Builder, holding sums: [Value]) -> [Value] {
    pairOffsets.indices.flatMap { pair in
      (0..<vectors).flatMap { vector in
        let first = 2 * pair * vectors + vector
        let isWhole = 2 * pair + 1 < rows
        return exchange(
          b, sums[first], isWhole ? sums[first + vectors] : format.zero(b, b.target.lanes))
      }
    }
  }

  func sums(_ b: Builder, in accumulators: [Value]) -> [Value] {
    (0..<rows).flatMap { row in
      (0..<vectors).map { vector in
        let first = row / 2 * columnPairs + 2 * vector
        return exchange(b, accumulators[first], accumulators[first + 1])[row % 2]
      }
    }
  }

  func steps(
    _ b: Builder, _ count: Int, a: Value, panel: Value, onto accumulators: inout [Value],
    right makeRight: RightOperand?
  ) {
    let words = b.vector(4, of: b.i32)
    for k in stride(from: 0, to: count, by: 2) {
      let right = (0..<columnPairs).map {
        let bytes = (k * panelStride + $0 * 4) * 4
        return makeRight?(panel, bytes)
          ?? b.load(words, b.offset(panel, bytes: bytes), alignment: 16)
      }
      for (pair, offset) in pairOffsets.enumerated() {
        let left = b.load(words, b.offset(a, bytes: (offset + 2 * k) * 4), alignment: 16)
        let range = pair * columnPairs..<(pair + 1) * columnPairs
        let products = zip(right, accumulators[range]).map {
          pairs.multiplyPairs(b, left, $0, $1)
        }
        // As in ``VectorMicroKernel``: one pair after the other.
        accumulators.replaceSubrange(range, with: b.orderMemory(after: products))
      }
    }
  }

  func total(_ b: Builder, _ sums: [Value]) -> [Value] { sums }
}

/// A format of which some targets multiply small matrices.
protocol PairFormat: NumberFormat {
  /// `sum` and the products of two rows of two groups with two columns of two groups, all four
  /// summed along the depth: `[row 0 x column 0, row 0 x column 1, row 1 x column 0, row 1 x
  /// column 1]`.
  func multiplyPairs(_ b: Builder, _ left: Value, _ right: Value, _ sum: Value) -> Value
}
