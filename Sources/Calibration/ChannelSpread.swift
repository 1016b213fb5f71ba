import Glibc
import IR

/// How the channels of a row are spread: each independently of the others.
struct ChannelSpread {
  /// The mean of each channel.
  let means: [Double]
  /// The variance of each.
  let variances: [Double]
  /// The smallest and the largest element that a row is expected to have.
  let lowest: Double
  let highest: Double

  /// Normal numbers.
  init(means: [Double], variances: [Double]) {
    self.means = means
    self.variances = variances
    highest = Self.highest(means, variances)
    lowest = -Self.highest(means.map { -$0 }, variances)
  }

  private init(means: [Double], variances: [Double], lowest: Double, highest: Double) {
    self.means = means
    self.variances = variances
    self.lowest = lowest
    self.highest = highest
  }

  /// Normal numbers of mean 0 and variance 1, as a norm makes them.
  static func normal(_ count: Int) -> ChannelSpread {
    ChannelSpread(
      means: [Double](repeating: 0, count: count),
      variances: [Double](repeating: 1, count: count))
  }

  /// Some of the channels.
  subscript(range: Range<Int>) -> ChannelSpread {
    ChannelSpread(means: Array(means[range]), variances: Array(variances[range]))
  }

  /// What a function makes of the channels.
  func mapped(_ function: ActivationFunction) -> ChannelSpread {
    var (means, variances) = ([Double](), [Double]())
    for (mean, variance) in zip(self.means, self.variances) {
      let (first, second) = Self.moments(function, mean, variance.squareRoot())
      means.append(first)
      variances.append(max(0, second - first * first))
    }
    // The functions have one minimum at most, so that a fine walk finds it.
    let values = (0...64).map { function(lowest + (highest - lowest) * Double($0) / 64) }
    return ChannelSpread(
      means: means, variances: variances, lowest: values.min() ?? 0, highest: values.max() ?? 0)
  }

  /// Products with independent channels.
  func multiplied(by other: ChannelSpread) -> ChannelSpread {
    let means = zip(self.means, other.means).map { $0 * $1 }
    let variances = means.indices.map { i in
      (self.variances[i] + self.means[i] * self.means[i])
        * (other.variances[i] + other.means[i] * other.means[i]) - means[i] * means[i]
    }
    return ChannelSpread(means: means, variances: variances.map { max(0, $0) })
  }

  /// The channels times the Hadamard matrix of a fused linear layer's prologue; `nil`: none.
  func rotated(size: Int?) -> ChannelSpread {
    guard let size else { return self }
    let row = Tensor(shape: [1, means.count], values: means.map(Float.init))
    let rotated = Op.hadamard(Hadamard(size: size)).evaluate([row]).values.map(Double.init)
    let part = means.count / size
    let mixed = (0..<part).map { i in
      (0..<size).reduce(0) { $0 + variances[i + $1 * part] } / Double(size)
    }
    let normal = ChannelSpread(
      means: rotated, variances: means.indices.map { mixed[$0 % part] })
    // A peak becomes so many of its root's part, to either side.
    let peak = max(abs(lowest), abs(highest)) / Double(size).squareRoot()
    return ChannelSpread(
      means: normal.means, variances: normal.variances, lowest: min(normal.lowest, -peak),
      highest: max(normal.highest, peak))
  }

  /// The mean of a function, and of its square, of a normal number.
  private static func moments(
    _ function: ActivationFunction, _ mean: Double, _ deviation: Double
  ) -> (first: Double, second: Double) {
    // A sum over 33 points from -4 to 4 deviations.
    var (first, second, total) = (0.0, 0.0, 0.0)
    for (z, density) in points {
      let y = function(mean + z * deviation)
      first += density * y
      second += density * y * y
      total += density
    }
    return (first / total, second / total)
  }

  /// Those points, in deviations, and the density of a normal number there, not normalized.
  private static let points = (-16...16).map { point in
    let z = Double(point) / 4
    return (z, Glibc.exp(-z * z / 2))
  }

  /// The number that as many channels as not are expected to have one above.
  private static func highest(_ means: [Double], _ variances: [Double]) -> Double {
    let deviations = variances.map { $0.squareRoot() }
    /// `true` iff more than half a channel is expected to lie above; no term is negative, so that
    /// the first sum beyond says so.
    func isExceeded(_ limit: Double) -> Bool {
      var sum = 0.0
      for (mean, deviation) in zip(means, deviations) {
        if deviation > 0 {
          let distance = (limit - mean) / deviation
          // Seven deviations out lie 1.3e-12 of a channel: all channels together stay far below
          // the half that is asked for. Most channels are that far, so `erfc` is called for few.
          if distance < 7 { sum += Glibc.erfc(distance / 2.0.squareRoot()) / 2 }
        } else {
          sum += mean > limit ? 1 : 0
        }
        if sum > 0.5 { return true }
      }
      return false
    }
    // Half of the channel with the highest mean lies above that.
    var low = means.max() ?? 0
    // Nine deviations are met once in 10^18.
    var high = zip(means, deviations).reduce(low) { max($0, $1.0 + 9 * $1.1) }
    guard low.isFinite, high.isFinite else { return .infinity }
    // To a millionth of the range: what follows from it is told in percent.
    for _ in 0..<20 {
      let middle = (low + high) / 2
      if isExceeded(middle) { low = middle } else { high = middle }
    }
    return high
  }
}

/// The spread of the values of a graph, as far as it follows from that of fused linear layers.
struct SpreadTable {
  private let graph: Graph
  private var known: [Value: ChannelSpread] = [:]

  init(_ graph: Graph) { self.graph = graph }

  /// Records the outputs of a fused linear layer before its activation.
  mutating func set(_ value: Value, _ spread: ChannelSpread) { known[value] = spread }

  /// The spread of a value; `nil`: nothing is known.
  func spread(of value: Value) -> ChannelSpread? {
    guard value.result == 0 else { return nil }
    let node = graph[value].node
    if case .fusedLinear(let fusedLinear) = node.op {
      guard !fusedLinear.epilogue.hasResidual, let spread = known[value] else { return nil }
      return fusedLinear.epilogue.activation.map(spread.mapped) ?? spread
    }
    if case .slice(let slice) = node.op {
      guard let whole = spread(of: node.operands[0]) else { return nil }
      return slice.axis == 0 ? whole : whole[slice.start..<slice.start + slice.count]
    }
    if case .copy = node.op { return spread(of: node.operands[0]) }
    // A norm whose scale and shift have been folded into what reads it.
    if graph.facts(of: node).norm != nil, node.operands.count == 1 {
      return .normal(node.type.shape[1])
    }
    // An average of rows whose channels are alike at worst.
    if case .attention = node.op { return spread(of: node.operands[2]) }
    if case .activation(let activation) = node.op {
      return spread(of: node.operands[0]).map { $0.mapped(activation.function) }
    }
    if case .swiGLU = node.op, let both = spread(of: node.operands[0]) {
      let hidden = both.means.count / 2
      return both[0..<hidden].mapped(.silu).multiplied(by: both[hidden..<2 * hidden])
    }
    if case .multiply = node.op, graph[node.operands[1]].type.rank == 2,
      let one = spread(of: node.operands[0]), let other = spread(of: node.operands[1])
    {
      return one.multiplied(by: other)
    }
    return nil
  }
}
