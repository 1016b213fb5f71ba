import Diagnostics

/// Least squares with a free intercept, for every strength of regularization at once.
///
/// Z: standardized features `[n, D]`; Y: targets `[n, K]`, 1 for the row's class and -1 for the
/// others; y: the mean of Y's rows. For a strength l2 the scores are `y + Z W` with
///
///     W = argmin |Z W - (Y - y)|^2 + l2 |W|^2 = (Z'Z + l2 I)^-1 Z'(Y - y)
///
/// With the eigenvectors V and eigenvalues s of Z'Z (of ZZ' where there are fewer rows than
/// features), and Q = Z V, whose columns are orthogonal and have the squared norms s:
///
///     Z W = Q C / (s + l2), C = Q'(Y - y)
///     W   = V C / (s + l2)
///     h_i = 1/n + sum_j Q_ij^2 / (s_j + l2)
///
/// and the score that row i gets from a fit without it is in closed form
///
///     y_i - (y_i - f_i) / (1 - h_i)
///
/// with the standardization of all rows.
///
/// Reference: Golub, Heath and Wahba 1979, Technometrics 21(2); the method as in big_vision's
/// `fewshot_lsr.py`, which has a constant feature of 100 in place of the intercept.
struct RidgePath: Sendable {
  private let samples: Samples
  private let standardization: Standardization
  /// The mean target of each class.
  private let mean: [Double]
  /// The eigenvalues, none negative.
  private let eigenvalues: [Double]
  /// Q, `[n, m]` with as many columns as there are eigenvalues.
  private let projections: [Double]
  /// C, `[m, K]`.
  private let products: [Double]
  /// V, by rows `[m, D]`, for W = V' (C / (s + l2)); of the smaller matrix `[m, D]` all the same.
  private let directions: [Double]

  /// Decomposes samples; each class must have one.
  init(_ samples: Samples) throws(Diagnostic) {
    self.samples = samples
    standardization = Standardization(samples)
    let (n, d, k) = (samples.count, samples.width, samples.classes)
    let rows = standardization.rows(samples)
    mean = samples.counts.map { 2 * Double($0) / Double(n) - 1 }
    var centred = [Double](repeating: 0, count: n * k)
    for i in 0..<n {
      for c in 0..<k { centred[i * k + c] = (samples.labels[i] == c ? 1 : -1) - mean[c] }
    }
    if n > d {
      let gram = Algebra.product(rows, transposesA: true, rows, rows: d, columns: d, steps: n)
      let (values, vectors) = try Algebra.eigen(gram, size: d)
      eigenvalues = values.map { max(0, $0) }
      directions = vectors
      projections = Algebra.product(rows, vectors, transposesB: true, rows: n, columns: d, steps: d)
    } else {
      let gram = Algebra.product(rows, rows, transposesB: true, rows: n, columns: n, steps: d)
      let (values, vectors) = try Algebra.eigen(gram, size: n)
      eigenvalues = values.map { max(0, $0) }
      // U' Z = S^1/2 V', and Q = U S^1/2; a direction without extent has no part in either.
      let roots = eigenvalues.map { $0.squareRoot() }
      var scaled = Algebra.product(vectors, rows, rows: n, columns: d, steps: n)
      var projected = [Double](repeating: 0, count: n * n)
      let least = (roots.last ?? 0) * 1e-12
      for j in 0..<n {
        let inverse = roots[j] > least ? 1 / roots[j] : 0
        for c in 0..<d { scaled[j * d + c] *= inverse }
        for i in 0..<n { projected[i * n + j] = vectors[j * n + i] * roots[j] }
      }
      directions = scaled
      projections = projected
    }
    products = Algebra.product(
      projections, transposesA: true, centred, rows: eigenvalues.count, columns: k, steps: n)
  }

  /// C / (s + l2).
  private func coefficients(_ l2: Double) -> [Double] {
    let k = samples.classes
    return products.indices.map { products[$0] / (eigenvalues[$0 / k] + l2) }
  }

  /// The head over features as they are.
  func head(l2: Double) -> LinearHead {
    let (m, d, k) = (eigenvalues.count, samples.width, samples.classes)
    let weight = Algebra.product(
      directions, transposesA: true, coefficients(l2), rows: d, columns: k, steps: m)
    return standardization.folded(weight, bias: mean)
  }

  /// The scores that each row gets from a fit without it.
  func leaveOneOut(l2: Double) -> LeaveOneOut {
    let (n, m, k) = (samples.count, eigenvalues.count, samples.classes)
    var scores = Algebra.product(
      projections, coefficients(l2), rows: n, columns: k, steps: m)
    for i in 0..<n {
      var leverage = 1 / Double(n)
      for j in 0..<m {
        let value = projections[i * m + j]
        leverage += value * value / (eigenvalues[j] + l2)
      }
      // Below 1 as l2 is above 0, but for rounding.
      let rest = max(1 - leverage, 1e-12)
      for c in 0..<k {
        let target: Double = samples.labels[i] == c ? 1 : -1
        scores[i * k + c] = target - (target - mean[c] - scores[i * k + c]) / rest
      }
    }
    return LeaveOneOut(scores: scores, labels: samples.labels, classes: k)
  }
}
