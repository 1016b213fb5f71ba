import IR

/// Floats stored in a type of fewer bits; tasks share the rows.
struct RoundKernel: StepKernel {
  enum Parameter: StepParameter {
    case x, output, task, count
  }

  var rows: Int
  var columns: Int
  /// Elements from one row to the next.
  var xStride: Int
  var outputStride: Int
  /// The type of the result.
  var element: ElementType

  var title: String { "round_\(rows)x\(columns)_\(element.rawValue)" }

  func division(on target: Target) -> Division {
    Division(rows)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let (first, end) = b.share(of: b.constant(rows), p[.task], of: p[.count])
    b.forLoop(from: first, to: end) { row, _ in
      let x = b.element(p[.x], b.multiply(row, b.constant(xStride)))
      let output = b.offset(
        p[.output], b.multiply(row, b.constant(outputStride * element.sizeBytes)))
      b.visitRow(columns: columns) { bytes, count in
        let values = b.loadFloats(b.offset(x, bytes), lanes, count: count)
        // So many elements are as many times fewer bytes.
        let place = b.divide(bytes, b.constant(element.perGroup))
        b.storeElements(element, values, b.offset(output, place), count: count)
      }
      return []
    }
  }
}
