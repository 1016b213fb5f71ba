import IR

/// Divides each column by the root of its mean square, scales and shifts it, and holds it above a
/// threshold: two passes over a vector of columns.
///
/// Tasks share the columns. Sums go through blocks of 64 rows, as a group norm's do.
struct FilterResponseNormKernel: StepKernel {
  enum Parameter: StepParameter {
    case x, scale, shift, threshold, output, task, count
  }

  var rows: Int
  var columns: Int
  var epsilon: Float
  /// Elements from one row to the next.
  var xStride: Int
  var outputStride: Int

  /// Rows whose sum is made before it is added to that of the others.
  private var block: Int { 64 }

  var title: String { "filter_response_norm_\(rows)x\(columns)" }

  func division(on target: Target) -> Division {
    Division(vectors: columns, on: target)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    b.forColumns(columns, p[.task], of: p[.count]) { emit(b, p, $0, count: $1) }
  }

  /// Emits one vector of columns, `bytes` from the start of each row.
  private func emit(_ b: Builder, _ p: Arguments<Parameter>, _ bytes: Value, count: Int) {
    let lanes = b.target.lanes
    func load(_ base: Value) -> Value {
      b.loadFloats(b.offset(base, bytes), lanes, count: count)
    }
    func x(_ row: Value) -> Value { load(b.element(p[.x], b.multiply(row, b.constant(xStride)))) }
    let zero = b.floats(0, lanes)
    let squares = b.forLoop(
      from: b.constant(0), to: b.constant(rows), step: block, carrying: [zero]
    ) { start, totals in
      let end = b.minimum(b.add(start, b.constant(block)), b.constant(rows))
      let sum = b.forLoop(from: start, to: end, carrying: [zero]) { row, sums in
        let value = x(row)
        return [b.multiplyAdd(value, value, sums[0])]
      }[0]
      return [b.addFloat(totals[0], sum)]
    }[0]
    let mean = b.divideFloat(squares, b.floats(Float(rows), lanes))
    let root = b.squareRoot(b.addFloat(mean, b.floats(epsilon, lanes)))
    // Not a number where the sum is not finite, as in every norm (`RowNorm.finish`).
    let factor = b.multiplyAdd(squares, zero, b.divideFloat(load(p[.scale]), root))
    let (shift, threshold) = (load(p[.shift]), load(p[.threshold]))
    b.forLoop(from: b.constant(0), to: b.constant(rows)) { row, _ in
      let y = b.multiplyAdd(x(row), factor, shift)
      let line = b.element(p[.output], b.multiply(row, b.constant(outputStride)))
      // NaN stays NaN in this order.
      b.storeFloats(b.maximumFloat(threshold, y), b.offset(line, bytes), count: count)
      return []
    }
  }
}
