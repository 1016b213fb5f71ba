/// A linear layer from features to a score for each class: `scores = weight x + bias`.
public struct LinearHead: Hashable, Sendable {
  /// `[classes, width]`, row-major.
  public var weight: [Double]
  /// `[classes]`.
  public var bias: [Double]

  /// Creates a head; the weights must be whole rows.
  public init(weight: [Double], bias: [Double]) {
    precondition(bias.isEmpty ? weight.isEmpty : weight.count % bias.count == 0)
    self.weight = weight
    self.bias = bias
  }

  /// The number of classes: K.
  public var classes: Int { bias.count }
  /// The number of features: D.
  public var width: Int { classes == 0 ? 0 : weight.count / classes }

  /// The scores of rows of features, `[rows, classes]`.
  public func scores(of features: [Float]) -> [Double] {
    guard width > 0 else { return [] }
    var scores: [Double] = []
    scores.reserveCapacity(features.count / width * classes)
    for start in stride(from: 0, to: features.count, by: width) {
      for k in 0..<classes {
        var sum = bias[k]
        for j in 0..<width { sum += weight[k * width + j] * Double(features[start + j]) }
        scores.append(sum)
      }
    }
    return scores
  }

  /// The head whose scores are `factor` times as large.
  public func scaled(by factor: Double) -> LinearHead {
    LinearHead(weight: weight.map { $0 * factor }, bias: bias.map { $0 * factor })
  }
}

extension [Double] {
  /// Of rows of `columns` scores, the place of each row's highest; of equal ones the first.
  public func highest(columns: Int) -> [Int] {
    stride(from: 0, to: count, by: columns).map { start in
      var best = 0
      for k in 1..<Swift.max(1, columns) where self[start + k] > self[start + best] { best = k }
      return best
    }
  }
}
