/// Matrix operations that no model leaves in its planned form, kept so that every legal graph runs:
/// plain loops, vectors where the memory order allows it.
///
/// Tasks share the rows of the result.
struct MatrixKernel: StepKernel {
  enum Parameter: StepParameter {
    case a, b, output, task, count
  }

  /// Which operation.
  enum Operation: Hashable {
    /// `[matrices, rows, depth] x [matrices, depth, columns]`, the second maybe transposed.
    case matMul(depth: Int, transposed: Bool)
    /// `output[i, j] = x[j, i]`; `rows` and `columns` are the result's.
    case transpose

    /// Its word in the title of a kernel.
    fileprivate var title: String {
      switch self {
      case .matMul: "matmul"
      case .transpose: "transpose"
      }
    }
  }

  var operation: Operation
  var matrices = 1
  /// The extents of one matrix of the result.
  var rows: Int
  var columns: Int
  /// Elements from one row to the next; rows of consecutive matrices follow each other.
  var aStride: Int
  var bStride = 0
  var outputStride: Int

  var title: String { "\(operation.title)_\(matrices)x\(rows)x\(columns)" }

  func division(on target: Target) -> Division {
    Division(matrices * rows)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let (first, end) = b.share(
      of: b.constant(matrices * rows), p[.task], of: p[.count])
    b.forLoop(from: first, to: end) { row, _ in
      let output = b.element(p[.output], b.multiply(row, b.constant(outputStride)))
      switch operation {
      case .transpose:
        b.forLoop(from: b.constant(0), to: b.constant(columns)) { column, _ in
          let from = b.element(
            p[.a], b.add(b.multiply(column, b.constant(aStride)), row))
          b.store(b.load(b.f32, from), b.element(output, column))
          return []
        }
      case .matMul(let depth, let transposed):
        let matrix = b.divide(row, b.constant(rows))
        let right = b.element(
          p[.b],
          b.multiply(matrix, b.constant((transposed ? columns : depth) * bStride)))
        let left = b.element(p[.a], b.multiply(row, b.constant(aStride)))
        if transposed {
          b.dotProducts(
            left, right, rightStride: bStride, to: output, columns: columns, depth: depth)
        } else {
          combinations(b, left, right, output, depth: depth)
        }
      }
      return []
    }
  }

  /// Emits one row of the result as a combination of the rows of the right matrix.
  private func combinations(
    _ b: Builder, _ left: Value, _ right: Value, _ output: Value, depth: Int
  ) {
    let lanes = b.target.lanes
    b.visitRow(columns: columns) { bytes, count in
      let sum = b.forLoop(
        from: b.constant(0), to: b.constant(depth), carrying: [b.floats(0, lanes)]
      ) { k, sums in
        let factor = b.splat(b.load(b.f32, b.element(left, k)), lanes)
        let line = b.element(right, b.multiply(k, b.constant(bStride)))
        return [
          b.multiplyAdd(
            factor, b.loadFloats(b.offset(line, bytes), lanes, count: count), sums[0])
        ]
      }
      b.storeFloats(sum[0], b.offset(output, bytes), count: count)
    }
  }
}

extension Builder {
  /// Emits sums of products of a row with each of `columns` rows, all of `depth` floats.
  func dotProducts(
    _ left: Value, _ right: Value, rightStride: Int, to output: Value, columns: Int, depth: Int
  ) {
    let lanes = target.lanes
    forLoop(from: constant(0), to: constant(columns)) { column, _ in
      let line = element(right, multiply(column, constant(rightStride)))
      let sums = visitRow(columns: depth, sums: floats(0, lanes)) { bytes, count, sum in
        multiplyAdd(
          loadFloats(offset(left, bytes), lanes, count: count),
          loadFloats(offset(line, bytes), lanes, count: count), sum)
      }
      store(total(sums), element(output, column))
      return []
    }
  }
}
