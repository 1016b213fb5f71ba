#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What scores are multiplied by so that softmax makes probabilities of them that come true.
public enum Temperature {
  /// The factor t > 0 that minimizes `-sum_i log softmax(t scores_i)[label_i]`, to 1e-12 of itself.
  ///
  /// The sum is convex in t. Where every photo's own class has the highest score it falls for ever:
  /// then, after Platt 1999, the target is not 1 but 1 - 1/(n + 2), and the rest is spread over the
  /// other classes, as if one photo more had been wrong.
  ///
  /// - Parameter scores: `[photos, classes]`, of photos that were not fitted to.
  /// - Returns: `nil` where no t > 0 is better than 0: the scores say nothing of the classes.
  public static func fit(_ scores: [Double], labels: [Int], classes: Int) -> Double? {
    guard classes > 1, !labels.isEmpty else { return nil }
    let predictions = scores.highest(columns: classes)
    let isSeparated = zip(predictions, labels).allSatisfy { $0 == $1 }
    let rest = isSeparated ? 1 / Double(labels.count + 2) : 0
    func slope(_ t: Double) -> Double {
      derivative(scores, labels, classes, rest: rest, at: t)
    }
    guard slope(0) < 0 else { return nil }
    var (low, high) = (0.0, 1.0)
    // Where two classes have the highest score together, no t is the best: any large one will do.
    let most = 0x1p40
    while slope(high) < 0, high < most { (low, high) = (high, 2 * high) }
    for _ in 0..<200 where high - low > 1e-12 * high {
      let middle = (low + high) / 2
      if slope(middle) < 0 { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// The derivative of the sum by t: of each photo the expected score under softmax, less that
  /// under the target.
  private static func derivative(
    _ scores: [Double], _ labels: [Int], _ classes: Int, rest: Double, at t: Double
  ) -> Double {
    var result = 0.0
    for i in labels.indices {
      let row = scores[i * classes..<(i + 1) * classes]
      let largest = row.max() ?? 0
      var (sum, expected, total) = (0.0, 0.0, 0.0)
      for score in row {
        let power = exp(t * (score - largest))
        sum += power
        expected += power * score
        total += score
      }
      let own = row[row.startIndex + labels[i]]
      let others = (total - own) / Double(classes - 1)
      result += expected / sum - ((1 - rest) * own + rest * others)
    }
    return result
  }
}
