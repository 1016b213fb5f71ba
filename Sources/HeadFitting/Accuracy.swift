#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How often a classifier is right, with the intervals that the number of photos leaves.
public struct Accuracy: Hashable, Sendable {
  /// The number of photos.
  public let count: Int
  /// How many were taken for their own class.
  public let right: Int
  /// The interval that holds the accuracy with 95 % probability: Wilson's of 1927.
  public let interval: ClosedRange<Double>
  /// The mean over the classes of the part that is right: each class counts as much as any other.
  public let balanced: Double
  /// The interval that holds the balanced accuracy with 95 % probability: of each class's part the
  /// mean and variance that a uniform prior leaves (Laplace's rule of succession), added up.
  public let balancedInterval: ClosedRange<Double>
  /// Row by row of the true class, how many photos were taken for which class, `[classes,
  /// classes]`.
  public let confusion: [[Int]]

  /// The 97.5th percentile of the normal distribution.
  private static let quantile = 1.959963984540054

  /// Counts.
  ///
  /// - Precondition: there are photos, and as many predictions as labels.
  public init(predictions: [Int], labels: [Int], classes: Int) {
    precondition(!labels.isEmpty && predictions.count == labels.count)
    var confusion = [[Int]](repeating: [Int](repeating: 0, count: classes), count: classes)
    for (label, prediction) in zip(labels, predictions) { confusion[label][prediction] += 1 }
    self.confusion = confusion
    count = labels.count
    right = (0..<classes).reduce(0) { $0 + confusion[$1][$1] }
    interval = Self.wilson(right, of: count)
    var (sum, centre, variance, present) = (0.0, 0.0, 0.0, 0.0)
    for k in 0..<classes {
      let photos = Double(confusion[k].reduce(0, +))
      guard photos > 0 else { continue }
      let hits = Double(confusion[k][k])
      present += 1
      sum += hits / photos
      let mean = (hits + 1) / (photos + 2)
      centre += mean
      variance += mean * (1 - mean) / (photos + 3)
    }
    balanced = sum / present
    let half = Self.quantile * variance.squareRoot() / present
    balancedInterval = max(0, centre / present - half)...min(1, centre / present + half)
  }

  /// The accuracy.
  public var value: Double { Double(right) / Double(count) }

  /// Wilson's interval of 95 % for `hits` out of `count`.
  static func wilson(_ hits: Int, of count: Int) -> ClosedRange<Double> {
    let (n, p, z) = (Double(count), Double(hits) / Double(count), quantile)
    let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    return max(0, centre - half)...min(1, centre + half)
  }

  /// Pairs of classes that are taken for each other, the most frequent first: of each pair the true
  /// class, what it was taken for, and how often.
  public var confusedPairs: [(label: Int, prediction: Int, count: Int)] {
    var pairs: [(label: Int, prediction: Int, count: Int)] = []
    for (label, row) in confusion.enumerated() {
      for (prediction, count) in row.enumerated() where count > 0 && prediction != label {
        pairs.append((label, prediction, count))
      }
    }
    return pairs.sorted {
      (-$0.count, $0.label, $0.prediction) < (-$1.count, $1.label, $1.prediction)
    }
  }
}
