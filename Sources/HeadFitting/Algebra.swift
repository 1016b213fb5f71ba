import COpenBLAS
import Diagnostics

/// Products of matrices and eigenvectors in double precision, by OpenBLAS on one thread: so sums
/// have one order, and the same rows give the same bits.
enum Algebra {
  /// Throws where OpenBLAS cannot be used.
  static func check() throws(Diagnostic) {
    guard let fault = vitc_blas_fault() else { return }
    let text = String(cString: fault)
    // What says what to do needs no hint.
    throw Diagnostic(
      "cannot fit a head: \(text)",
      hint: text.contains("raise the limit") ? nil : "run 'apt-get install libopenblas0'")
  }

  /// Calls `body` while OpenBLAS uses one thread for a call.
  static func onOneThread<Result>(
    _ body: () throws(Diagnostic) -> Result
  ) throws(Diagnostic) -> Result {
    let threads = vitc_blas_threads()
    vitc_blas_set_threads(1)
    defer { vitc_blas_set_threads(threads) }
    return try body()
  }

  /// `op(a) op(b)`, `[rows, columns]`, sums of `steps` products; each operand is given by rows, and
  /// transposed where it is said so.
  static func product(
    _ a: [Double], transposesA: Bool = false, _ b: [Double], transposesB: Bool = false,
    rows: Int, columns: Int, steps: Int
  ) -> [Double] {
    var result = [Double](repeating: 0, count: rows * columns)
    guard rows > 0, columns > 0, steps > 0 else { return result }
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        result.withUnsafeMutableBufferPointer { c in
          guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
          vitc_blas_dgemm(
            transposesA ? 1 : 0, transposesB ? 1 : 0, Int32(rows), Int32(columns), Int32(steps), 1,
            a, Int32(transposesA ? rows : steps), b, Int32(transposesB ? steps : columns), 0, c,
            Int32(columns))
        }
      }
    }
    return result
  }

  /// The eigenvalues of a symmetric matrix `[size, size]`, ascending, and its eigenvectors of norm
  /// 1, one a row.
  static func eigen(
    _ matrix: [Double], size: Int
  ) throws(Diagnostic) -> (values: [Double], vectors: [Double]) {
    var vectors = matrix
    var values = [Double](repeating: 0, count: size)
    let info = vitc_blas_dsyevd(Int32(size), &vectors, &values)
    guard info == 0 else {
      throw Diagnostic(
        info == -1
          ? "cannot fit a head: there is not enough memory for a matrix of \(size) x \(size)"
          : "cannot fit a head: the eigenvalues of the features do not converge (dsyevd: \(info))")
    }
    return (values, vectors)
  }
}
