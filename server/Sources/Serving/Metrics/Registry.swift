import Synchronization

/// Metrics and their text for Prometheus (exposition format 0.0.4).
///
/// Written here since swift-prometheus is not to be had everywhere that this builds, and a server's
/// two dozen series need no more.
public final class Registry: Sendable {
  /// A metric with a value for each combination of labels.
  public struct Metric: Hashable, Sendable {
    fileprivate let place: Int
  }

  private enum Kind: String { case counter, gauge, histogram }

  /// Counts of values by size: `buckets[i]` of those up to `bounds[i]` and above the bound before.
  private struct Histogram {
    var buckets: [UInt64]
    var sum = 0.0
    var count: UInt64 = 0
  }

  private struct Family {
    let name: String
    let help: String
    let kind: Kind
    let labels: [String]
    let bounds: [Double]
    var values: [[String]: Double] = [:]
    var histograms: [[String]: Histogram] = [:]
  }

  private let families = Mutex<[Family]>([])

  /// Creates a registry without metrics.
  public init() {}

  /// Adds a count that only grows.
  public func counter(_ name: String, _ help: String, labels: [String] = []) -> Metric {
    add(Family(name: name, help: help, kind: .counter, labels: labels, bounds: []))
  }

  /// Adds a value.
  public func gauge(_ name: String, _ help: String, labels: [String] = []) -> Metric {
    add(Family(name: name, help: help, kind: .gauge, labels: labels, bounds: []))
  }

  /// Adds a distribution; `bounds` ascend.
  public func histogram(
    _ name: String, _ help: String, labels: [String] = [], bounds: [Double]
  ) -> Metric {
    add(Family(name: name, help: help, kind: .histogram, labels: labels, bounds: bounds))
  }

  private func add(_ family: Family) -> Metric {
    families.withLock { families in
      families.append(family)
      return Metric(place: families.count - 1)
    }
  }

  /// Adds to a counter or a gauge; `labels` are the values of its labels, in their order.
  public func add(_ amount: Double = 1, to metric: Metric, _ labels: String...) {
    families.withLock { $0[metric.place].values[labels, default: 0] += amount }
  }

  /// Sets a gauge.
  public func set(_ metric: Metric, to value: Double, _ labels: String...) {
    families.withLock { $0[metric.place].values[labels] = value }
  }

  /// Sets a gauge, with the values of its labels in an array.
  public func set(_ metric: Metric, to value: Double, labels: [String]) {
    families.withLock { $0[metric.place].values[labels] = value }
  }

  /// Counts a value in a histogram.
  public func observe(_ value: Double, in metric: Metric, _ labels: String...) {
    families.withLock { families in
      let bounds = families[metric.place].bounds
      let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
      var histogram =
        families[metric.place].histograms[labels]
        ?? Histogram(buckets: [UInt64](repeating: 0, count: bounds.count + 1))
      histogram.buckets[bucket] += 1
      histogram.sum += value
      histogram.count += 1
      families[metric.place].histograms[labels] = histogram
    }
  }

  /// All metrics, in the order in which they were added, and of each the labels in order.
  public var text: String {
    families.withLock { families in families.map(Self.text).joined() }
  }

  private static func text(_ family: Family) -> String {
    var text = "# HELP \(family.name) \(family.help)\n"
    text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
    for (labels, value) in family.values.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      text += "\(family.name)\(braces(family.labels, labels)) \(number(value))\n"
    }
    let histograms = family.histograms.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    for (labels, histogram) in histograms {
      var sum: UInt64 = 0
      for (bucket, count) in histogram.buckets.enumerated() {
        sum += count
        let bound = bucket < family.bounds.count ? number(family.bounds[bucket]) : "+Inf"
        let all = braces(family.labels + ["le"], labels + [bound])
        text += "\(family.name)_bucket\(all) \(sum)\n"
      }
      let own = braces(family.labels, labels)
      text += "\(family.name)_sum\(own) \(number(histogram.sum))\n"
      text += "\(family.name)_count\(own) \(histogram.count)\n"
    }
    return text
  }

  private static func braces(_ names: [String], _ values: [String]) -> String {
    guard !names.isEmpty else { return "" }
    let pairs = zip(names, values).map { name, value in
      let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        .replacing("\n", with: "\\n")
      return "\(name)=\"\(escaped)\""
    }
    return "{\(pairs.joined(separator: ","))}"
  }

  private static func number(_ value: Double) -> String {
    let text = value.description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
