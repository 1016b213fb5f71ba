import IR

/// Pairs of columns turned by the angles of their row.
///
/// The first half of a head's columns are the pairs' first numbers, the second half their second
/// ones, so that vectors of both are read as they lie; both are read before either is written, so
/// the result may lie over the operand. Of a table's row the first half are cosines, the second
/// sines. Tasks share the rows. Cost: one pass over the rows.
struct RopeKernel: StepKernel {
  enum Parameter: StepParameter {
    case x, table, output, task, count
  }

  var rows: Int
  var heads: Int
  /// The columns of a head.
  var headDim: Int
  /// `true` iff the table has columns of its own for each head.
  var isTableOfHeads: Bool
  /// Elements from one row to the next.
  var xStride: Int
  var tableStride: Int
  var outputStride: Int
  /// The type of operand and result.
  var element: ElementType

  var title: String { "rope_\(rows)x\(heads)x\(headDim)_\(element.rawValue)" }

  func division(on target: Target) -> Division {
    Division(rows)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let (first, end) = b.share(of: b.constant(rows), p[.task], of: p[.count])
    b.forLoop(from: first, to: end) { row, _ in
      func line(_ base: Value, _ stride: Int, _ size: Int) -> Value {
        b.offset(base, b.multiply(row, b.constant(stride * size)))
      }
      let x = line(p[.x], xStride, element.sizeBytes)
      let output = line(p[.output], outputStride, element.sizeBytes)
      let table = line(p[.table], tableStride, 4)
      b.forLoop(from: b.constant(0), to: b.constant(heads)) { head, _ in
        func at(_ base: Value, bytes: Int) -> Value {
          b.offset(base, b.multiply(head, b.constant(bytes)))
        }
        turn(
          b, at(x, bytes: headDim * element.sizeBytes),
          isTableOfHeads ? at(table, bytes: headDim * 4) : table,
          at(output, bytes: headDim * element.sizeBytes))
        return []
      }
      return []
    }
  }

  /// Emits the rotation of one head's columns in one row.
  private func turn(_ b: Builder, _ x: Value, _ table: Value, _ output: Value) {
    let lanes = b.target.lanes
    let half = headDim / 2
    b.visitRow(columns: half) { bytes, count in
      let place = element == .f32 ? bytes : b.divide(bytes, b.constant(element.perGroup))
      func address(_ base: Value, second: Bool) -> Value {
        b.offset(b.offset(base, place), bytes: second ? half * element.sizeBytes : 0)
      }
      func angles(second: Bool) -> Value {
        b.loadFloats(
          b.offset(b.offset(table, bytes), bytes: second ? half * 4 : 0), lanes, count: count)
      }
      let (cosine, sine) = (angles(second: false), angles(second: true))
      let one = b.loadElements(element, address(x, second: false), lanes, count: count)
      let other = b.loadElements(element, address(x, second: true), lanes, count: count)
      let turned = b.subtractFloat(b.multiplyFloat(one, cosine), b.multiplyFloat(other, sine))
      let turnedOther = b.multiplyAdd(one, sine, b.multiplyFloat(other, cosine))
      b.storeElements(element, turned, address(output, second: false), count: count)
      b.storeElements(element, turnedOther, address(output, second: true), count: count)
    }
  }
}
