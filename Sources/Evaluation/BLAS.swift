import COpenBLAS
import IR

/// Matmuls through OpenBLAS, for constants and references of full-size models.
enum BLAS {
  /// Returns `op` of two operands of rank 2 or 3.
  ///
  /// Those with a single row, as folding makes them, are accumulated in `Double`, in an order of
  /// our own: OpenBLAS' order depends on the processor, and constants must not.
  static func matmul<S: BLASScalar>(_ op: MatMul, _ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (a, b) = (operands[0], operands[1])
    let rank = a.shape.count
    let (m, k) = (a.shape[rank - 2], a.shape[rank - 1])
    let n = op.transposed ? b.shape[rank - 2] : b.shape[rank - 1]
    let batch = rank == 3 ? a.shape[0] : 1
    var result = DenseTensor<S>(shape: a.shape.dropLast(2) + [m, n])
    guard m > 0, n > 0, k > 0 else { return result }
    a.values.withUnsafeBufferPointer { a in
      b.values.withUnsafeBufferPointer { b in
        result.values.withUnsafeMutableBufferPointer { c in
          guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
          if m == 1, batch == 1, op.transposed {
            for j in 0..<n { c[j] = S(S.dot(a, b + j * k, k)) }
            return
          }
          let isLoaded = vitc_blas_fault() == nil
          for h in 0..<batch {
            let (a, b, c) = (a + h * m * k, b + h * n * k, c + h * m * n)
            guard isLoaded else {
              plain(a, b, c, rows: m, columns: n, k, isTransposed: op.transposed)
              continue
            }
            S.multiply(
              a, b, into: c, rows: m, columns: n, steps: k, isTransposed: op.transposed)
          }
        }
      }
    }
    return result
  }

  /// The matmul without OpenBLAS: slow, and sums in `Double`.
  private static func plain<S: BLASScalar>(
    _ a: UnsafePointer<S>, _ b: UnsafePointer<S>, _ c: UnsafeMutablePointer<S>,
    rows: Int, columns: Int, _ steps: Int, isTransposed: Bool
  ) {
    var column = [S](repeating: 0, count: steps)
    for j in 0..<columns {
      for i in 0..<steps { column[i] = isTransposed ? b[j * steps + i] : b[i * columns + j] }
      column.withUnsafeBufferPointer { column in
        guard let column = column.baseAddress else { return }
        for i in 0..<rows { c[i * columns + j] = S(S.dot(a + i * steps, column, steps)) }
      }
    }
  }

  /// Returns a linear layer of `x`, `weight` and optionally `bias`.
  static func linear<S: BLASScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let y = matmul(MatMul(transposed: true), Array(operands[..<2]))
    return operands.count > 2 ? Op.add(Add()).evaluate([y, operands[2]]) : y
  }
}

extension DenseTensor where Scalar: BLASScalar {
  /// `self * other^T`: of two matrices with rows of one length, the inner products of their rows.
  public func multiplied(byTransposed other: DenseTensor) -> DenseTensor {
    BLAS.matmul(MatMul(transposed: true), [self, other])
  }
}
