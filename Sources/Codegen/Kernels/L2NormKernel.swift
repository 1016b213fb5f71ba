import IR

/// The columns of each head divided by their Euclidean norm, and multiplied by the head's scale.
///
/// A head is read whole before it is written, so the result may lie over the operand. A norm that
/// has left the range of floats makes the head not a number. Tasks share the rows. Cost: one pass
/// over the rows.
struct L2NormKernel: StepKernel {
  enum Parameter: StepParameter {
    case x, scale, output, task, count
  }

  var rows: Int
  var heads: Int
  /// The columns of a head.
  var headDim: Int
  /// `true` iff there is a scale for each head; otherwise that parameter is not read.
  var isScaled: Bool
  /// The least that columns are divided by.
  var epsilon: ExactFloat
  /// Elements from one row to the next.
  var xStride: Int
  var outputStride: Int

  var title: String { "l2_norm_\(rows)x\(heads)x\(headDim)" }

  func division(on target: Target) -> Division {
    Division(rows)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let (first, end) = b.share(of: b.constant(rows), p[.task], of: p[.count])
    b.forLoop(from: first, to: end) { row, _ in
      let x = b.element(p[.x], b.multiply(row, b.constant(xStride)))
      let output = b.element(p[.output], b.multiply(row, b.constant(outputStride)))
      b.forLoop(from: b.constant(0), to: b.constant(heads)) { head, _ in
        let start = b.multiply(head, b.constant(headDim))
        let scale = isScaled ? b.load(b.f32, b.element(p[.scale], head)) : b.float(1)
        divide(b, b.element(x, start), scale, b.element(output, start))
        return []
      }
      return []
    }
  }

  /// Emits the norm of one head's columns in one row.
  private func divide(_ b: Builder, _ x: Value, _ scale: Value, _ output: Value) {
    let lanes = b.target.lanes
    let sums = b.visitRow(columns: headDim, sums: b.floats(0, lanes)) { bytes, count, sum in
      let elements = b.loadFloats(b.offset(x, bytes), lanes, count: count)
      return b.multiplyAdd(elements, elements, sum)
    }
    let total = b.total(sums)
    let norm = b.maximumFloat(b.squareRoot(total), b.float(epsilon.value))
    // The inverse of a sum that is not finite would be zero, which nobody would notice.
    let factor = b.splat(
      b.multiplyAdd(total, b.float(0), b.divideFloat(scale, norm)), lanes)
    b.visitRow(columns: headDim) { bytes, count in
      let elements = b.loadFloats(b.offset(x, bytes), lanes, count: count)
      b.storeFloats(b.multiplyFloat(elements, factor), b.offset(output, bytes), count: count)
    }
  }
}
