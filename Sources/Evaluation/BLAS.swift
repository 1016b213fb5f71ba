import COpenBLAS
import IR

/// Matrix products through OpenBLAS, for constants and references of full-size models.
enum BLAS {
  /// Returns `op` of two operands of rank 2 or 3.
  ///
  /// Products with a single row, as folding makes them, are accumulated in `Double`.
  static func product(_ op: MatMul, _ operands: [Tensor]) -> Tensor {
    let (a, b) = (operands[0], operands[1])
    let rank = a.shape.count
    let (m, k) = (a.shape[rank - 2], a.shape[rank - 1])
    let n = op.transposed ? b.shape[rank - 2] : b.shape[rank - 1]
    let batch = rank == 3 ? a.shape[0] : 1
    var result = Tensor(shape: a.shape.dropLast(2) + [m, n])
    guard m > 0, n > 0, k > 0 else { return result }
    a.values.withUnsafeBufferPointer { a in
      b.values.withUnsafeBufferPointer { b in
        result.values.withUnsafeMutableBufferPointer { c in
          guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
          if m == 1, batch == 1, op.transposed {
            for j in 0..<n { c[j] = Float(cblas_dsdot(Int32(k), a, 1, b + j * k, 1)) }
            return
          }
          for h in 0..<batch {
            cblas_sgemm(
              CblasRowMajor, CblasNoTrans, op.transposed ? CblasTrans : CblasNoTrans, Int32(m),
              Int32(n), Int32(k), 1, a + h * m * k, Int32(k), b + h * n * k,
              Int32(op.transposed ? k : n), 0, c + h * m * n, Int32(n))
          }
        }
      }
    }
    return result
  }

  /// Returns a linear layer of `x`, `weight` and optionally `bias`.
  static func linear(_ operands: [Tensor]) -> Tensor {
    let y = product(MatMul(transposed: true), Array(operands[..<2]))
    return operands.count > 2 ? Op.add(Add()).evaluate([y, operands[2]]) : y
  }
}
