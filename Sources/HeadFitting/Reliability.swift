#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How often predictions of a given confidence come true.
public struct Reliability: Hashable, Sendable {
  /// Predictions of about the same confidence.
  public struct Bin: Hashable, Sendable {
    /// How many.
    public let count: Int
    /// The mean confidence.
    public let confidence: Double
    /// The part that is right.
    public let accuracy: Double
  }

  /// Ten bins of equal width from confidence 0 to 1; `nil` where there is no prediction.
  public let bins: [Bin?]
  /// The mean difference of confidence and accuracy over the bins, weighted by their photos: the
  /// expected calibration error of Naeini, Cooper and Hauskrecht 2015.
  public let error: Double
  /// The mean of -log of the probability of the true class.
  public let logLoss: Double

  /// The usual number.
  private static let binCount = 10

  /// Takes the softmax of rows of logits, `[photos, classes]`.
  public init(logits: [Double], labels: [Int], classes: Int) {
    var (counts, sums, hits) = (
      [Int](repeating: 0, count: Self.binCount), [Double](repeating: 0, count: Self.binCount),
      [Int](repeating: 0, count: Self.binCount)
    )
    var loss = 0.0
    for (i, best) in logits.highest(columns: classes).enumerated() {
      let row = Array(logits[i * classes..<(i + 1) * classes])
      let sum = row.reduce(0) { $0 + exp($1 - row[best]) }
      let confidence = 1 / sum
      loss += log(sum) + row[best] - row[labels[i]]
      let bin = min(Self.binCount - 1, Int(confidence * Double(Self.binCount)))
      counts[bin] += 1
      sums[bin] += confidence
      hits[bin] += best == labels[i] ? 1 : 0
    }
    bins = counts.indices.map { bin in
      guard counts[bin] > 0 else { return nil }
      let count = Double(counts[bin])
      return Bin(
        count: counts[bin], confidence: sums[bin] / count, accuracy: Double(hits[bin]) / count)
    }
    let total = Double(max(1, labels.count))
    error = bins.reduce(0) { sum, bin in
      sum + (bin.map { Double($0.count) / total * abs($0.confidence - $0.accuracy) } ?? 0)
    }
    logLoss = loss / total
  }
}
