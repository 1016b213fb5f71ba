/// What takes each feature to mean 0 and deviation 1: `z = (x - mean) / scale`.
///
/// The scale is the deviation over all rows (n in the denominator) plus 1e-5, as in big_vision's
/// `fewshot_lsr.py`, so that a feature that never varies becomes 0.
struct Standardization: Sendable {
  /// The mean of each feature.
  let mean: [Double]
  /// The deviation of each feature plus ``epsilon``.
  let scale: [Double]

  /// big_vision's.
  static let epsilon = 1e-5

  /// Takes mean and deviation from the rows of samples.
  init(_ samples: Samples) {
    let (count, width) = (samples.count, samples.width)
    var mean = [Double](repeating: 0, count: width)
    var squares = [Double](repeating: 0, count: width)
    for i in 0..<count {
      for j in 0..<width { mean[j] += Double(samples.features[i * width + j]) }
    }
    for j in 0..<width { mean[j] /= Double(count) }
    for i in 0..<count {
      for j in 0..<width {
        let difference = Double(samples.features[i * width + j]) - mean[j]
        squares[j] += difference * difference
      }
    }
    self.mean = mean
    scale = squares.map { ($0 / Double(count)).squareRoot() + Self.epsilon }
  }

  /// The standardized rows of samples, `[count, width]`.
  func rows(_ samples: Samples) -> [Double] {
    let width = samples.width
    return samples.features.indices.map { index in
      let j = index % width
      return (Double(samples.features[index]) - mean[j]) / scale[j]
    }
  }

  /// The linear layer over features that is `weight` over standardized ones and `bias`.
  ///
  /// - Parameter weight: `[width, classes]`.
  func folded(_ weight: [Double], bias: [Double]) -> LinearHead {
    let (width, classes) = (mean.count, bias.count)
    var rows = [Double](repeating: 0, count: classes * width)
    var shifted = bias
    for k in 0..<classes {
      for j in 0..<width {
        let value = weight[j * classes + k] / scale[j]
        rows[k * width + j] = value
        shifted[k] -= value * mean[j]
      }
    }
    return LinearHead(weight: rows, bias: shifted)
  }
}
