import COpenBLAS
import IR

/// Rounds the weights of a linear layer to integers so that its outputs change little: what the
/// rounding of one column adds to the outputs, later columns take back.
///
/// With `H` the covariance of the layer's inputs, plus a part of its mean diagonal, and
/// `H^-1 = U^T U`, the error `e` of column `j` is best taken back by
/// `w[k] -= e / U[j, j] * U[j, k]` for `k > j`. Columns go by falling variance.
///
/// Frantar et al. 2022, arXiv:2210.17323 (GPTQ).
struct ErrorFeedback {
  private let size: Int
  /// The columns in their order.
  private let order: [Int]
  /// `U`, by the order, row by row.
  private let factor: [Float]

  /// The part of the mean variance that is added to each.
  ///
  /// .03 to .3 are equal within noise for many rows. A covariance of few rows is trusted less.
  private static let damping = 0.1
  /// The columns whose errors are taken back together.
  private static let block = 128
  /// The rows of the weight that one task rounds.
  private static let rowsPerTask = 64

  /// Prepares for the inputs' covariance; `nil` if that is not finite.
  init?(_ covariance: Covariance) {
    let size = covariance.size
    let diagonal = (0..<size).map { Double(covariance.matrix[$0 * size + $0]) }
    let variance = diagonal.reduce(0, +) / Double(size)
    guard variance.isFinite else { return nil }
    let trust = 1 + Double(size) / Double(covariance.count)
    // Inputs that never change leave nothing to take back: the identity.
    let damp = variance > 0 ? variance * Self.damping * trust : 1
    let order = (0..<size).sorted { (diagonal[$0], $1) > (diagonal[$1], $0) }

    // `H = R R^T` with an upper `R` is the Cholesky factorization from the other end, and `U` is
    // the inverse of `R`.
    var matrix = [Double](repeating: 0, count: size * size)
    for a in 0..<size {
      for b in 0...a {
        let (i, j) = (order[size - 1 - a], order[size - 1 - b])
        matrix[a * size + b] =
          Double(covariance.matrix[max(i, j) * size + min(i, j)]) + (a == b ? damp : 0)
      }
    }
    let n = Int32(size)
    let upper = CChar(UInt8(ascii: "U"))
    // By rows it is the lower triangle, by columns the upper one.
    guard vitc_blas_dpotrf(upper, n, &matrix) == 0,
      vitc_blas_dtrtri(upper, CChar(UInt8(ascii: "N")), n, &matrix) == 0
    else { return nil }
    var factor = [Float](repeating: 0, count: size * size)
    for a in 0..<size {
      for b in a..<size {
        factor[a * size + b] = Float(matrix[(size - 1 - a) * size + size - 1 - b])
      }
    }
    self.size = size
    self.order = order
    self.factor = factor
  }

  /// The integers of `weight`, `[out, in]`, whose row `n` is multiplied by `scales[n]`.
  func integers(_ weight: Tensor, scales: [Float]) -> [Int8] {
    let rows = weight.rows
    let parts = concurrentMap((rows + Self.rowsPerTask - 1) / Self.rowsPerTask) { task in
      let range = task * Self.rowsPerTask..<min(rows, (task + 1) * Self.rowsPerTask)
      return integers(weight, range, scales)
    }
    return parts.flatMap(\.self)
  }

  private func integers(_ weight: Tensor, _ rows: Range<Int>, _ scales: [Float]) -> [Int8] {
    var values = [Float](repeating: 0, count: rows.count * size)
    for (index, row) in rows.enumerated() {
      for j in 0..<size { values[index * size + j] = weight.values[row * size + order[j]] }
    }
    var integers = [Int8](repeating: 0, count: rows.count * size)
    var errors = [Float](repeating: 0, count: rows.count * Self.block)
    values.withUnsafeMutableBufferPointer { values in
      factor.withUnsafeBufferPointer { factor in
        guard let w = values.baseAddress, let u = factor.baseAddress else { return }
        for first in stride(from: 0, to: size, by: Self.block) {
          let end = min(size, first + Self.block)
          for (index, row) in rows.enumerated() {
            let line = w + index * size
            for j in first..<end {
              let integer = (line[j] / scales[row]).rounded(.toNearestOrEven)
              let rounded = max(-127, min(127, integer))
              integers[index * size + order[j]] = Int8(exactly: rounded) ?? 0
              let error = (line[j] - rounded * scales[row]) / u[j * size + j]
              errors[index * Self.block + j - first] = error
              for k in j + 1..<max(j + 1, end) { line[k] -= error * u[j * size + k] }
            }
          }
          if end < size {
            vitc_blas_sgemm(
              0, 0, Int32(rows.count), Int32(size - end),
              Int32(end - first), -1, errors, Int32(Self.block), u + first * size + end,
              Int32(size), 1, w + end, Int32(size))
          }
        }
      }
    }
    return integers
  }
}
