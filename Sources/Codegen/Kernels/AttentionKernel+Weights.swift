/// Rows of the softmax's result that an attention keeps, of each head.
///
/// Those of `count` queries from `first` on: `[heads, count, tokens]`.
struct WeightRows: Hashable {
  var first: Int
  var count: Int
  /// Elements from one row to the next.
  var stride: Int
}

extension AttentionKernel {
  /// Rows of weights, and where they go.
  struct StoredWeights {
    var rows: WeightRows
    var address: Value
  }

  /// `true` iff a tile's powers of all tokens are there at once, in floats, so that they can be
  /// stored as weights.
  var keepsPowers: Bool { blocks == 1 && windows == 1 && element == .f32 }

  /// Emits the store of what is wanted of a tile of `rows` rows: its powers over their sums.
  ///
  /// A row that is not wanted costs a comparison.
  func store(
    _ b: Builder, _ weights: StoredWeights, _ rows: Int, of head: Value, from first: Value,
    _ scratch: Value
  ) {
    precondition(keepsPowers, "the powers of a tile are not there at once")
    let lanes = b.target.lanes
    let powers = b.offset(scratch, bytes: scoresOffset(b.target))
    let inverses = b.offset(scratch, bytes: inversesOffset(b.target))
    let count = b.constant(weights.rows.count)
    b.forLoop(from: b.constant(0), to: b.constant(rows)) { row, _ in
      let index = b.subtract(b.add(first, row), b.constant(weights.rows.first))
      b.ifThen(b.and(b.less(b.constant(-1), index), b.less(index, count))) {
        let place = b.add(b.multiply(head, count), index)
        let to = b.element(weights.address, b.multiply(place, b.constant(weights.rows.stride)))
        let from = b.element(powers, b.multiply(row, b.constant(scoreStride)))
        let factor = b.splat(b.load(b.f32, b.element(inverses, row)), lanes)
        b.visitRow(columns: tokens) { bytes, count in
          let power = b.loadFloats(b.offset(from, bytes), lanes, count: count)
          b.storeFloats(b.multiplyFloat(power, factor), b.offset(to, bytes), count: count)
        }
      }
      return []
    }
  }
}
