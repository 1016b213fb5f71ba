/// Products of the queries with a vector for each distance along an axis of a grid.
///
/// A row of the table holds one feature of all distances, in the order of the keys, so that the
/// sums for neighbouring keys are lanes of a vector: for each feature one broadcast and one load
/// that is not aligned. Tasks share the tokens. Cost: a multiply-add for each token, feature of a
/// head and extent of the axis, which is little beside the attention, whose scores take one for
/// each key.
struct RelativeScoresKernel: StepKernel {
  enum Parameter: StepParameter {
    case q, table, output, task, count
  }

  var rows: Int
  var heads: Int
  var headDim: Int
  /// Rows and columns of the grid.
  var grid: [Int]
  /// 0: distances of rows; 1: of columns.
  var axis: Int
  /// Elements from one row to the next.
  var qStride: Int
  var tableStride: Int
  var outputStride: Int

  var title: String { "relative_scores_\(rows)x\(heads)x\(headDim)_\(grid[axis])" }

  func division(on target: Target) -> Division {
    Division(rows)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let extent = grid[axis]
    let (first, end) = b.share(of: b.constant(rows), p[.task], of: p[.count])
    b.forLoop(from: first, to: end) { row, _ in
      let place = b.remainder(row, b.constant(grid[0] * grid[1]))
      let width = b.constant(grid[1])
      let position = axis == 0 ? b.divide(place, width) : b.remainder(place, width)
      let table = b.element(p[.table], b.subtract(b.constant(extent - 1), position))
      let q = b.element(p[.q], b.multiply(row, b.constant(qStride)))
      let output = b.element(p[.output], b.multiply(row, b.constant(outputStride)))
      b.forLoop(from: b.constant(0), to: b.constant(heads)) { head, _ in
        let query = b.element(q, b.multiply(head, b.constant(headDim)))
        let scores = b.element(output, b.multiply(head, b.constant(extent)))
        b.visitRow(columns: extent) { bytes, count in
          let sum = b.forLoop(
            from: b.constant(0), to: b.constant(headDim), carrying: [b.floats(0, lanes)]
          ) { d, sums in
            let factor = b.splat(b.load(b.f32, b.element(query, d)), lanes)
            let line = b.element(table, b.multiply(d, b.constant(tableStride)))
            let vector = b.loadFloats(b.offset(line, bytes), lanes, count: count)
            return [b.multiplyAdd(factor, vector, sums[0])]
          }
          b.storeFloats(sum[0], b.offset(scores, bytes), count: count)
        }
        return []
      }
      return []
    }
  }
}
