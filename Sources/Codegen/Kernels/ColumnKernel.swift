/// An operation along the columns of each of `matrices` matrices: their mean, or what remains
/// without it.
///
/// Tasks share the columns.
struct ColumnKernel: StepKernel {
  enum Parameter: StepParameter {
    case x, output, task, count
  }

  /// What is made of the mean of each column.
  enum Operation: String, Hashable {
    /// The mean itself: one row.
    case mean
    /// All rows, less the mean.
    case center
  }

  var operation: Operation
  var matrices = 1
  /// The extents of one matrix; matrices follow each other without gaps between their rows.
  var rows: Int
  var columns: Int
  /// Elements from one row to the next.
  var xStride: Int
  var outputStride: Int

  var title: String { "\(operation.rawValue)_columns_\(matrices)x\(rows)x\(columns)" }

  func division(on target: Target) -> Division {
    Division(vectors: columns, on: target)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    b.forLoop(from: b.constant(0), to: b.constant(matrices)) { matrix, _ in
      let x = b.element(p[.x], b.multiply(matrix, b.constant(rows * xStride)))
      let rowsOut = operation == .mean ? 1 : rows
      let output = b.element(
        p[.output], b.multiply(matrix, b.constant(rowsOut * outputStride)))
      b.forColumns(columns, p[.task], of: p[.count]) { emit(b, x, output, $0, count: $1) }
      return []
    }
  }

  /// Emits one vector of columns, `bytes` from the start of each row.
  ///
  /// Four sums take turns.
  private func emit(_ b: Builder, _ x: Value, _ output: Value, _ bytes: Value, count: Int) {
    let lanes = b.target.lanes
    let ways = min(4, rows)
    func load(_ row: Value) -> Value {
      let line = b.element(x, b.multiply(row, b.constant(xStride)))
      return b.loadFloats(b.offset(line, bytes), lanes, count: count)
    }
    let whole = rows / ways * ways
    var sums = b.forLoop(
      from: b.constant(0), to: b.constant(whole), step: ways,
      carrying: Array(repeating: b.floats(0, lanes), count: ways)
    ) { row, sums in
      (0..<ways).map { b.addFloat(sums[$0], load(b.add(row, b.constant($0)))) }
    }
    for row in whole..<rows {
      sums[row % ways] = b.addFloat(sums[row % ways], load(b.constant(row)))
    }
    let mean = b.divideFloat(b.pairwise(sums, b.addFloat), b.floats(Float(rows), lanes))
    switch operation {
    case .mean: b.storeFloats(mean, b.offset(output, bytes), count: count)
    case .center:
      b.forLoop(from: b.constant(0), to: b.constant(rows)) { row, _ in
        let line = b.element(output, b.multiply(row, b.constant(outputStride)))
        b.storeFloats(
          b.subtractFloat(load(row), mean), b.offset(line, bytes), count: count)
        return []
      }
    }
  }
}
