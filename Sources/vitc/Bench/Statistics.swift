/// The durations of repeated runs.
struct Statistics: Hashable {
  /// Seconds, the shortest first.
  private let sorted: [Double]

  /// Collects seconds; at least one.
  init(_ seconds: [Double]) { sorted = seconds.sorted() }

  /// The number of runs.
  var count: Int { sorted.count }
  /// The shortest.
  var minimum: Double { quantile(0) }
  /// The middle one, the upper of two.
  var median: Double { quantile(0.5) }
  /// The smallest that at least 99 % do not exceed; with fewer than 100 runs, the longest.
  var percentile99: Double { quantile(0.99) }

  private func quantile(_ fraction: Double) -> Double {
    guard let last = sorted.last else { return .nan }
    let index = Int(fraction * Double(sorted.count))
    return index < sorted.count ? sorted[index] : last
  }
}
