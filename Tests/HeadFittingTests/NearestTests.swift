import HeadFitting
import SeededRandom
import Testing

/// Nearest rows against all cosines, sorted.
@Suite struct NearestTests {
  private static func cosine(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Double {
    var (dot, left, right) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      dot += Double(x) * Double(y)
      left += Double(x) * Double(x)
      right += Double(y) * Double(y)
    }
    return dot / (left * right).squareRoot()
  }

  /// More rows than a product takes, more queries than a task.
  @Test(arguments: [(5, 3, 2), (2500, 8, 20), (40, 70, 100)])
  func theNearestAreThoseOfAllCosines(count: Int, width: Int, most: Int) {
    var random = SplitMix64(seed: 7)
    let rows = (0..<count * width).map { _ in Float(random.normal()) }
    let queries = (0..<19 * width).map { _ in Float(random.normal()) }
    let found = NearestRows(rows, width: width).nearest(to: queries, most: most)
    #expect(found.count == 19)
    for (i, neighbours) in found.enumerated() {
      let query = queries[i * width..<(i + 1) * width]
      let all = (0..<count).map { Self.cosine(query, rows[$0 * width..<($0 + 1) * width]) }
      let wanted = all.sorted(by: >).prefix(most)
      #expect(neighbours.count == min(most, count))
      #expect(Set(neighbours.map(\.row)).count == neighbours.count)
      for (neighbour, cosine) in zip(neighbours, wanted) {
        #expect(abs(Double(neighbour.cosine) - cosine) < 1e-5)
        #expect(abs(all[neighbour.row] - cosine) < 1e-5)
      }
    }
  }

  /// Of equal rows the first; a row is not its own neighbour where that is asked; zeros are
  /// nobody's.
  @Test func tiesAndItself() {
    let rows: [Float] = [1, 0, 2, 0, 0, 1, 0, 0]
    let found = NearestRows(rows, width: 2).nearest(to: [3, 0], most: 3)
    #expect(found[0].map(\.row) == [0, 1, 2])
    #expect(found[0][0].cosine == 1 && found[0][2].cosine == 0)
    let others = NearestRows(rows, width: 2).nearest(to: rows, most: 1, leavesOut: true)
    #expect(others.map { $0[0].row } == [1, 0, 0, 0])
  }

  /// Votes are exp(cosine / 0.07): two far ones do not outvote a near one.
  @Test func nearPhotosCountMore() {
    let near: [NearestRows.Neighbour] = NearestRows([1, 0, 0.8, 0.6, 0.8, -0.6], width: 2)
      .nearest(to: [1, 0], most: 3)[0]
    #expect(NearestVote.winner(near, labels: [1, 0, 0], classes: 2) == 1)
    let closer = NearestRows([1, 0, 0.999, 0.04, 0.999, -0.04], width: 2)
      .nearest(to: [1, 0], most: 3)[0]
    #expect(NearestVote.winner(closer, labels: [1, 0, 0], classes: 2) == 0)
  }
}
