import IR

/// Normalizes groups of columns, as no pass has arranged it better: three passes over each group.
///
/// Sums go through parts of 64 rows: of the 12544 rows of a first layer, a single sum would lose
/// three digits.
struct GroupNormKernel: Hashable {
  var rows: Int
  /// All columns.
  var columns: Int
  var groups: Int
  var epsilon: Float
  /// Elements from one row to the next.
  var xStride: Int
  var outputStride: Int

  private var width: Int { columns / groups }
  /// Rows whose sum is made before it is added to that of the others.
  private var part: Int { 64 }

  /// Returns the function `(x, scale, shift, output, task, count) -> void`: tasks share the groups.
  func function(_ b: Builder) -> Function {
    let name =
      "group_norm\(epsilon.bitPattern)_f32_\(rows)x\(columns)_groups\(groups)"
      + "_strides\(xStride)_\(outputStride)"
    return b.define(
      name, Array(repeating: b.pointer, count: 4) + [b.i64, b.i64]
    ) { arguments in
      let lanes = b.target.lanes
      let (first, end) = b.share(of: b.constant(groups), arguments[4], of: arguments[5])
      b.forLoop(from: first, to: end) { group, _ in
        let start = b.multiply(group, b.constant(width))
        let (x, output) = (b.element(arguments[0], start), b.element(arguments[3], start))
        let (scale, shift) = (b.element(arguments[1], start), b.element(arguments[2], start))
        let size = b.float(Float(rows * width))
        let mean = b.splat(b.divideFloat(sum(b, x) { value, _ in value }, size), lanes)
        let squares = sum(b, x) { value, count in
          var distance = b.subtractFloat(value, mean)
          if count < lanes {
            distance = b.select(b.mask(first: count, of: lanes), distance, b.floats(0, lanes))
          }
          return b.multiplyFloat(distance, distance)
        }
        let variance = b.addFloat(b.divideFloat(squares, size), b.float(epsilon))
        let factor = b.splat(b.divideFloat(b.float(1), b.squareRoot(variance)), lanes)
        b.forLoop(from: b.constant(0), to: b.constant(rows)) { row, _ in
          let from = b.element(x, b.multiply(row, b.constant(xStride)))
          let to = b.element(output, b.multiply(row, b.constant(outputStride)))
          b.visitRow(columns: width) { bytes, count in
            func load(_ base: Value) -> Value {
              b.loadFloats(b.offset(base, bytes), lanes, count: count)
            }
            let normal = b.multiplyFloat(b.subtractFloat(load(from), mean), factor)
            b.storeFloats(
              b.multiplyAdd(normal, load(scale), load(shift)), b.offset(to, bytes), count: count)
          }
          return []
        }
        return []
      }
    }
  }

  /// The sum of `term` over all elements of the group at `x`; `term` gets the number of lanes that
  /// count and makes the others zero.
  private func sum(
    _ b: Builder, _ x: Value, _ term: @escaping (_ x: Value, _ count: Int) -> Value
  ) -> Value {
    let lanes = b.target.lanes
    let zero = b.floats(0, lanes)
    let sums = b.visitRow(columns: width, sums: zero) { bytes, count, total in
      let column = b.offset(x, bytes)
      func add(_ first: Value, _ end: Value, _ sum: Value) -> Value {
        b.forLoop(from: first, to: end, carrying: [sum]) { row, sums in
          let value = b.loadFloats(
            b.element(column, b.multiply(row, b.constant(xStride))), lanes, count: count)
          return [b.addFloat(sums[0], term(value, count))]
        }[0]
      }
      return b.forLoop(
        from: b.constant(0), to: b.constant(rows), step: part, carrying: [total]
      ) { row, totals in
        let end = b.minimum(b.add(row, b.constant(part)), b.constant(rows))
        return [b.addFloat(totals[0], add(row, end, zero))]
      }[0]
    }
    return b.total(sums)
  }
}
