import COpenBLAS
import Parallel

/// Rows of features in which those nearest to others are found, by the cosine of the angle between
/// them.
public struct NearestRows: Sendable {
  /// A row that is near.
  public struct Neighbour: Hashable, Sendable {
    /// The row's number.
    public let row: Int
    /// The cosine of the angle: 1 in the same direction, -1 in the opposite one.
    public let cosine: Float
  }

  /// The rows, each of length 1; one of zeros stays so.
  private let rows: [Float]
  private let width: Int

  /// The number of rows.
  public var count: Int { width == 0 ? 0 : rows.count / width }

  /// Queries of one task, and rows of one product: their scores stay in the cache.
  private static let (queryTile, rowTile) = (16, 2048)

  /// Takes rows of `width` features.
  public init(_ features: [Float], width: Int) {
    self.width = width
    rows = Self.normalized(features, width)
  }

  private static func normalized(_ features: [Float], _ width: Int) -> [Float] {
    var result = features
    for start in stride(from: 0, to: features.count, by: max(1, width)) {
      let squares = features[start..<start + width].reduce(0) { $0 + Double($1) * Double($1) }
      guard squares > 0 else { continue }
      let factor = 1 / squares.squareRoot()
      for j in start..<start + width { result[j] = Float(Double(features[j]) * factor) }
    }
    return result
  }

  /// Of each query the nearest rows, the nearest first; of equally near ones the one with the lower
  /// number.
  ///
  /// - Parameters:
  ///   - queries: Rows of as many features.
  ///   - most: How many rows are wanted.
  ///   - leavesOut: Whether query i does not count row i: they are the same.
  public func nearest(
    to queries: [Float], most: Int, leavesOut: Bool = false
  ) -> [[Neighbour]] {
    guard width > 0 else { return [] }
    let wanted = Self.normalized(queries, width)
    let total = wanted.count / width
    var found = [[Neighbour]](repeating: [], count: total)
    let isLoaded = vitc_blas_fault() == nil
    let threads = vitc_blas_threads()
    // Tasks are side by side: sums have one order.
    vitc_blas_set_threads(1)
    defer { vitc_blas_set_threads(threads) }
    found.withUnsafeMutableBufferPointer { buffer in
      // Places do not overlap, so threads write apart.
      nonisolated(unsafe) let found = buffer
      Parallel.forEach((total + Self.queryTile - 1) / Self.queryTile) { task in
        let first = task * Self.queryTile
        let queries = first..<min(total, first + Self.queryTile)
        var best = [Best](repeating: Best(most: most), count: queries.count)
        for start in stride(from: 0, to: count, by: Self.rowTile) {
          let part = start..<min(count, start + Self.rowTile)
          let scores = cosines(wanted, queries, part, isLoaded)
          for (i, query) in queries.enumerated() {
            for (j, row) in part.enumerated() where !(leavesOut && row == query) {
              best[i].add(Neighbour(row: row, cosine: scores[i * part.count + j]))
            }
          }
        }
        for (i, query) in queries.enumerated() { found[query] = best[i].neighbours }
      }
    }
    return found
  }

  /// The cosines of some queries and rows, `[queries, rows]`.
  private func cosines(
    _ wanted: [Float], _ queries: Range<Int>, _ part: Range<Int>, _ isLoaded: Bool
  ) -> [Float] {
    var scores = [Float](repeating: 0, count: queries.count * part.count)
    guard isLoaded else {
      for (i, query) in queries.enumerated() {
        for (j, row) in part.enumerated() {
          var sum = 0.0
          for k in 0..<width {
            sum += Double(wanted[query * width + k]) * Double(rows[row * width + k])
          }
          scores[i * part.count + j] = Float(sum)
        }
      }
      return scores
    }
    wanted.withUnsafeBufferPointer { a in
      rows.withUnsafeBufferPointer { b in
        scores.withUnsafeMutableBufferPointer { c in
          guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
          vitc_blas_sgemm(
            0, 1, Int32(queries.count), Int32(part.count), Int32(width), 1,
            a + queries.lowerBound * width, Int32(width), b + part.lowerBound * width,
            Int32(width), 0, c, Int32(part.count))
        }
      }
    }
    return scores
  }

  /// The best so far, the best first.
  private struct Best {
    let most: Int
    var neighbours: [Neighbour] = []

    /// Rows come in the order of their numbers, so that of equal ones the first stays before.
    mutating func add(_ neighbour: Neighbour) {
      if neighbours.count == most {
        guard let last = neighbours.last, neighbour.cosine > last.cosine else { return }
        neighbours.removeLast()
      }
      let place = neighbours.lastIndex { $0.cosine >= neighbour.cosine }.map { $0 + 1 } ?? 0
      neighbours.insert(neighbour, at: place)
    }
  }
}
