import COpenBLAS
import IR

/// Matrix products through OpenBLAS, for constants and references of full-size models.
enum BLAS {
  /// Returns `op` of two operands of rank 2 or 3.
  ///
  /// Products with a single row, as folding makes them, are accumulated in `Double`, in an order of
  /// our own: OpenBLAS' order depends on the processor, and constants must not.
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
            for j in 0..<n { c[j] = Float(dot(a, b + j * k, k)) }
            return
          }
          let isLoaded = vitc_blas_fault() == nil
          for h in 0..<batch {
            let (a, b, c) = (a + h * m * k, b + h * n * k, c + h * m * n)
            guard isLoaded else {
              plain(a, b, c, rows: m, columns: n, k, isTransposed: op.transposed)
              continue
            }
            vitc_blas_sgemm(
              0, op.transposed ? 1 : 0, Int32(m), Int32(n), Int32(k), 1, a, Int32(k), b,
              Int32(op.transposed ? k : n), 0, c, Int32(n))
          }
        }
      }
    }
    return result
  }

  /// The product without OpenBLAS: slow, and sums in `Double`.
  private static func plain(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
    rows: Int, columns: Int, _ steps: Int, isTransposed: Bool
  ) {
    var column = [Float](repeating: 0, count: steps)
    for j in 0..<columns {
      for i in 0..<steps { column[i] = isTransposed ? b[j * steps + i] : b[i * columns + j] }
      column.withUnsafeBufferPointer { column in
        guard let column = column.baseAddress else { return }
        for i in 0..<rows { c[i * columns + j] = Float(dot(a + i * steps, column, steps)) }
      }
    }
  }

  /// Returns `sum_i a[i] * b[i]`: products of two floats are exact in `Double`, so only sums round.
  private static func dot(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int
  ) -> Double {
    var sums = SIMD8<Double>()
    let whole = count & ~7
    for i in stride(from: 0, to: whole, by: 8) {
      let left = UnsafeRawPointer(a + i).loadUnaligned(as: SIMD8<Float>.self)
      let right = UnsafeRawPointer(b + i).loadUnaligned(as: SIMD8<Float>.self)
      sums += SIMD8<Double>(left) * SIMD8<Double>(right)
    }
    var sum = sums.sum()
    for i in whole..<count { sum += Double(a[i]) * Double(b[i]) }
    return sum
  }

  /// Returns a linear layer of `x`, `weight` and optionally `bias`.
  static func linear(_ operands: [Tensor]) -> Tensor {
    let y = product(MatMul(transposed: true), Array(operands[..<2]))
    return operands.count > 2 ? Op.add(Add()).evaluate([y, operands[2]]) : y
  }
}
