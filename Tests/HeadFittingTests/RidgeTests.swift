import Diagnostics
import HeadFitting
import SeededRandom
import Testing

/// The closed forms against fits done one by one, and folders of every shape.
@Suite struct RidgeTests {
  /// `(A + l2 I) x = b` by Gauss's elimination with pivots: nothing of what is tested.
  private static func solve(_ matrix: [[Double]], _ right: [[Double]]) -> [[Double]] {
    var (a, b) = (matrix, right)
    let size = a.count
    for column in 0..<size {
      let pivot = (column..<size).max { abs(a[$0][column]) < abs(a[$1][column]) } ?? column
      a.swapAt(column, pivot)
      b.swapAt(column, pivot)
      for row in 0..<size where row != column {
        let factor = a[row][column] / a[column][column]
        for j in column..<size { a[row][j] -= factor * a[column][j] }
        for j in b[row].indices { b[row][j] -= factor * b[column][j] }
      }
    }
    return (0..<size).map { row in b[row].map { $0 / a[row][row] } }
  }

  /// Mean and deviation of the columns, as the heads have them.
  private static func standardized(_ samples: Samples) -> [[Double]] {
    let (n, d) = (samples.count, samples.width)
    var rows = (0..<n).map { i in (0..<d).map { Double(samples.features[i * d + $0]) } }
    for j in 0..<d {
      let mean = rows.reduce(0) { $0 + $1[j] } / Double(n)
      let variance = rows.reduce(0) { $0 + ($1[j] - mean) * ($1[j] - mean) } / Double(n)
      for i in 0..<n { rows[i][j] = (rows[i][j] - mean) / (variance.squareRoot() + 1e-5) }
    }
    return rows
  }

  /// The score of `probe` by a fit to rows: a free intercept, l2 on the rest.
  private static func scores(
    _ rows: [[Double]], _ labels: [Int], _ classes: Int, _ l2: Double, of probe: [Double]
  ) -> [Double] {
    let (n, d) = (Double(rows.count), rows[0].count)
    let mean = (0..<d).map { j in rows.reduce(0) { $0 + $1[j] } / n }
    let centre = (0..<classes).map { k in
      labels.reduce(0) { $0 + ($1 == k ? 1.0 : -1) } / n
    }
    var gram = [[Double]](repeating: [Double](repeating: 0, count: d), count: d)
    var right = [[Double]](repeating: [Double](repeating: 0, count: classes), count: d)
    for (row, label) in zip(rows, labels) {
      for i in 0..<d {
        for j in 0..<d { gram[i][j] += (row[i] - mean[i]) * (row[j] - mean[j]) }
        for k in 0..<classes {
          right[i][k] += (row[i] - mean[i]) * ((label == k ? 1 : -1) - centre[k])
        }
      }
    }
    for i in 0..<d { gram[i][i] += l2 }
    let weight = solve(gram, right)
    return (0..<classes).map { k in
      centre[k] + (0..<d).reduce(0) { $0 + (probe[$1] - mean[$1]) * weight[$1][k] }
    }
  }

  /// More rows than features, fewer, as many; classes of one photo, and of many.
  @Test(arguments: [
    ([5, 6, 7], 4), ([3, 2, 3], 20), ([1, 9, 2], 12), ([4, 4], 8), ([1, 1, 6, 2], 3),
  ])
  func leaveOneOutEqualsFitsWithoutTheRow(counts: [Int], width: Int) throws {
    let samples = drawn(counts, width: width)
    let rows = Self.standardized(samples)
    let k = counts.count
    for l2 in [1 / 32.0, 1, 40] {
      let fitted = try FittedHead(samples, l2: l2)
      for i in rows.indices {
        let kept = rows.indices.filter { $0 != i }
        let wanted = Self.scores(
          kept.map { rows[$0] }, kept.map { samples.labels[$0] }, k, l2, of: rows[i])
        for c in 0..<k {
          #expect(abs(fitted.leaveOneOut.scores[i * k + c] - wanted[c]) < 1e-8)
        }
      }
      // And the head itself, over features as they are.
      let plain = fitted.head.scaled(by: 1 / fitted.temperature)
      let found = plain.scores(of: samples.features)
      for i in rows.indices {
        let wanted = Self.scores(rows, samples.labels, k, l2, of: rows[i])
        for c in 0..<k { #expect(abs(found[i * k + c] - wanted[c]) < 1e-8) }
      }
    }
  }

  @Test func theSamePhotosGiveTheSameBits() throws {
    let samples = drawn([20, 31, 9], width: 70)
    let (one, other) = (try FittedHead(samples), try FittedHead(samples))
    #expect(one.head == other.head && one.temperature == other.temperature)
  }

  @Test func oneClassIsRefused() {
    let error = #expect(throws: Diagnostic.self) { try FittedHead(drawn([7], width: 3)) }
    #expect(error?.message == "found one class, expected two or more")
    let none = #expect(throws: Diagnostic.self) { try FittedHead(drawn([], width: 3)) }
    #expect(none?.message == "found no classes, expected two or more")
    let empty = #expect(throws: Diagnostic.self) { try FittedHead(drawn([4, 0, 4], width: 3)) }
    #expect(empty?.message == "class 1 has no photos")
  }

  @Test func featuresThatAreNotFiniteAreRefused() {
    var samples = drawn([4, 4], width: 3)
    samples.features[5] = .nan
    let error = #expect(throws: Diagnostic.self) { try FittedHead(samples) }
    #expect(error?.message == "some features are NaN or infinite")
  }

  /// Leave-one-out says nothing then: each photo's class is not among the others.
  @Test func onePhotoOfAClassTakesAFixedStrength() throws {
    let fitted = try FittedHead(drawn([1, 1, 1, 1], width: 9, spread: 0.1))
    #expect(fitted.l2 == 32)
    #expect(fitted.trials.count == 1)
    #expect(!fitted.isCalibrated && fitted.temperature == 1)
    let samples = drawn([1, 1, 1, 1], width: 9, spread: 0.1)
    #expect(fitted.head.scores(of: samples.features).highest(columns: 4) == [0, 1, 2, 3])
  }

  /// A feature that never varies, all features equal, more classes than features.
  @Test func degenerateFeaturesGiveFiniteHeads() throws {
    var samples = drawn([5, 5], width: 4)
    for i in 0..<samples.count { samples.features[i * 4 + 2] = 1e6 }
    let constant = try FittedHead(samples)
    #expect(constant.head.weight.allSatisfy { $0.isFinite })
    #expect(constant.leaveOneOut.right >= 8)
    let same = Samples(
      features: [Float](repeating: 3, count: 12), labels: [0, 0, 1, 1, 1, 1], width: 2, classes: 2)
    let equal = try FittedHead(same)
    #expect(equal.head.weight.allSatisfy { $0 == 0 } && equal.head.bias.allSatisfy { $0.isFinite })
    let many = try FittedHead(drawn([3, 3, 3, 3, 3, 3], width: 2))
    #expect(many.head.weight.allSatisfy { $0.isFinite })
  }
}
