import COpenBLAS
import Diagnostics

/// The principal components of rows of numbers: the thin singular value decomposition of the
/// matrix, its rows' mean subtracted or not.
///
/// With `X` of `rows` x `columns`, of which there are `min(rows, columns)` components:
/// `X = scores * components`, where the components are orthonormal. The sign of a component is
/// arbitrary: its entry of largest magnitude is made positive.
struct PrincipalComponents {
  /// The number of rows.
  let rows: Int
  /// The length of a row and of a component.
  let columns: Int
  /// The singular values, the largest first.
  private(set) var singularValues: [Double]
  /// One component after another, each of `columns` numbers.
  private(set) var components: [Double]
  /// Row by row, what each component is multiplied by: `singularValues.count` numbers each.
  private(set) var scores: [Double]

  /// Decomposes `values`, row by row.
  ///
  /// Errors: there is no OpenBLAS, or LAPACK's dgesdd fails, as it does for what is not finite.
  init(_ values: [Double], columns: Int, isCentred: Bool = true) throws(Diagnostic) {
    if let fault = vitc_blas_fault() {
      throw Diagnostic(
        String(cString: fault), hint: "figures need LAPACK: apt-get install libopenblas0")
    }
    self.columns = columns
    rows = values.count / columns
    let count = min(rows, columns)
    var matrix = isCentred ? Self.centred(values, columns: columns) : values
    guard matrix.allSatisfy(\.isFinite) else {
      throw Diagnostic("numbers are not finite, so they have no principal components")
    }
    singularValues = Array(repeating: 0, count: count)
    components = Array(repeating: 0, count: count * columns)
    var factors = Array(repeating: 0.0, count: count * rows)
    var integers = Array(repeating: Int32(0), count: 8 * count)
    // By columns, as LAPACK has it, this is the transposed matrix: its left vectors are of pixels.
    let (m, n) = (Int32(columns), Int32(rows))
    var work = [0.0]
    _ = vitc_blas_dgesdd(
      m, n, &matrix, &singularValues, &components, &factors, &work, -1, &integers)
    let workCount = Int(work[0])
    work = Array(repeating: 0, count: workCount)
    let info = vitc_blas_dgesdd(
      m, n, &matrix, &singularValues, &components, &factors, &work, Int32(workCount), &integers)
    guard info == 0 else {
      throw Diagnostic("LAPACK's dgesdd found no singular values (info \(info))")
    }
    scores = factors
    for row in 0..<rows {
      for i in 0..<count { scores[row * count + i] *= singularValues[i] }
    }
    for i in 0..<count where Self.isNegative(component(i)) { flip(i) }
  }

  /// A component, the most important first.
  func component(_ index: Int) -> ArraySlice<Double> {
    components[index * columns..<(index + 1) * columns]
  }

  /// The share of the variance that each component explains.
  var explained: [Double] {
    let squares = singularValues.map { $0 * $0 }
    let sum = squares.reduce(0, +)
    return squares.map { sum > 0 ? $0 / sum : 0 }
  }

  /// How many singular values are more than rounding leaves of zero.
  var rank: Int {
    let least = (singularValues.first ?? 0) * Double(max(rows, columns)) * Double.ulpOfOne
    return singularValues.count { $0 > least }
  }

  private static func centred(_ values: [Double], columns: Int) -> [Double] {
    let rows = values.count / columns
    var means = Array(repeating: 0.0, count: columns)
    for row in 0..<rows {
      for column in 0..<columns { means[column] += values[row * columns + column] }
    }
    for column in 0..<columns { means[column] /= Double(rows) }
    var result = values
    for row in 0..<rows {
      for column in 0..<columns { result[row * columns + column] -= means[column] }
    }
    return result
  }

  private static func isNegative(_ component: ArraySlice<Double>) -> Bool {
    (component.max { abs($0) < abs($1) } ?? 0) < 0
  }

  private mutating func flip(_ index: Int) {
    for i in index * columns..<(index + 1) * columns { components[i].negate() }
    let count = singularValues.count
    for row in 0..<rows { scores[row * count + index].negate() }
  }
}
