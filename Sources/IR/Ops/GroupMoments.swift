/// What norms over groups of columns begin with: of each group, the mean, and one over the
/// deviation.
///
/// `factor_g = 1 / sqrt(variance_g + epsilon)`, with the (biased) variance about the mean, over all
/// rows and all columns of the group; in double precision, in the order of the rows.
extension DenseTensor {
  /// Mean and factor of each group of this matrix's columns; `groups` divides them.
  func groupMoments(groups: Int, epsilon: Float) -> [(mean: Double, factor: Double)] {
    let channels = columns
    let width = channels / groups
    let count = Double(rows * width)
    return values.withUnsafeBufferPointer { x in
      (0..<groups).map { group in
        let columns = group * width..<(group + 1) * width
        var sum = 0.0
        for t in 0..<rows { for c in columns { sum += Double(x[t * channels + c]) } }
        let mean = sum / count
        var squares = 0.0
        for t in 0..<rows {
          for c in columns {
            let distance = Double(x[t * channels + c]) - mean
            squares += distance * distance
          }
        }
        return (mean, 1 / (squares / count + Double(epsilon)).squareRoot())
      }
    }
  }
}
