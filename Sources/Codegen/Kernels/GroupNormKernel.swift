import IR

/// Normalizes groups of columns, as no pass has arranged it better: three passes over each group.
///
/// With a gate it is EvoNorm-S0, which gates elements in place of taking off their mean.
///
/// Tasks share the groups.
///
/// Sums go through blocks of 64 rows: of the 12544 rows of a first layer, a single sum would lose
/// three digits.
struct GroupNormKernel: StepKernel {
  enum Parameter: StepParameter {
    case x, scale, shift, gate, output, task, count
  }

  var rows: Int
  /// All columns.
  var columns: Int
  var groups: Int
  var epsilon: Float
  /// `true` iff each element is multiplied by `sigmoid(gate * x)`, and the mean stays.
  var isGated = false
  /// Elements from one row to the next.
  var xStride: Int
  var outputStride: Int

  private var width: Int { columns / groups }
  /// Rows whose sum is made before it is added to that of the others.
  private var block: Int { 64 }

  var title: String {
    "\(isGated ? "evo_norm" : "group_norm")_\(rows)x\(columns)_\(groups)"
  }

  func division(on target: Target) -> Division {
    Division(groups)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let (first, end) = b.share(of: b.constant(groups), p[.task], of: p[.count])
    b.forLoop(from: first, to: end) { group, _ in
      let start = b.multiply(group, b.constant(width))
      let (x, output) = (b.element(p[.x], start), b.element(p[.output], start))
      let (scale, shift) = (b.element(p[.scale], start), b.element(p[.shift], start))
      let gate = isGated ? b.element(p[.gate], start) : nil
      let size = b.float(Float(rows * width))
      let mean = b.splat(b.divideFloat(sum(b, x) { value, _ in value }, size), lanes)
      let squares = sum(b, x) { value, count in
        var distance = b.subtractFloat(value, mean)
        if count < lanes {
          distance = b.select(b.mask(first: count, of: lanes), distance, b.floats(0, lanes))
        }
        return b.multiplyFloat(distance, distance)
      }
      let norm = RowNorm(columns: rows * width, epsilon: epsilon)
      let factor = b.splat(norm.finish(b, squares), lanes)
      b.forLoop(from: b.constant(0), to: b.constant(rows)) { row, _ in
        let from = b.element(x, b.multiply(row, b.constant(xStride)))
        let to = b.element(output, b.multiply(row, b.constant(outputStride)))
        b.visitRow(columns: width) { bytes, count in
          func load(_ base: Value) -> Value {
            b.loadFloats(b.offset(base, bytes), lanes, count: count)
          }
          let value = load(from)
          let raw =
            if let gate {
              b.multiplyFloat(value, b.sigmoid(b.multiplyFloat(load(gate), value)))
            } else {
              b.subtractFloat(value, mean)
            }
          let normal = b.multiplyFloat(raw, factor)
          b.storeFloats(
            b.multiplyAdd(normal, load(scale), load(shift)), b.offset(to, bytes), count: count)
        }
        return []
      }
      return []
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
        from: b.constant(0), to: b.constant(rows), step: block, carrying: [total]
      ) { row, totals in
        let end = b.minimum(b.add(row, b.constant(block)), b.constant(rows))
        return [b.addFloat(totals[0], add(row, end, zero))]
      }[0]
    }
    return b.total(sums)
  }
}
