extension SuppliedHead {
  /// The head that compares images with texts: for class k
  /// `scale <x / |x|, t_k / |t_k|> + bias`, where x are the features and t the vectors of texts.
  ///
  /// - Parameters:
  ///   - labels: The names of the classes.
  ///   - vectors: The vectors, row by row, as many as `labels`; none is 0.
  ///   - comparison: Scale, bias and scores.
  ///   - source: Where the vectors come from, for messages.
  public init(
    labels: [String], vectors: [Float], comparison: TextComparison, source: String
  ) {
    let width = labels.isEmpty ? 0 : vectors.count / labels.count
    var weight: [Float] = []
    weight.reserveCapacity(vectors.count)
    for row in 0..<labels.count {
      let vector = vectors[row * width..<(row + 1) * width].map { Double($0) }
      let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
      weight += vector.map { Float(comparison.scale * $0 / length) }
    }
    self.init(
      weight: weight, bias: [Float](repeating: Float(comparison.bias), count: labels.count),
      width: width, labels: labels, reads: .token, scores: comparison.scores, source: source)
    readsUnit = true
  }
}
