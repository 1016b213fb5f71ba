import VitRuntime

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A class and its score.
struct Prediction: Encodable, Hashable {
  /// The class, from 0.
  let index: Int
  /// The name of the class; `class 7` where no names are known.
  let label: String
  /// How probable it is, between 0 and 1; `nil` where scores are values.
  let probability: Double?
  /// The value, of a regression; `nil` where scores are probabilities.
  let value: Double?

  /// Returns the `count` classes of the highest scores, the highest first; of equal ones the one
  /// with the lower index.
  ///
  /// - Parameters:
  ///   - count: How many to return; at most all are.
  ///   - logits: A number for each class, none NaN.
  ///   - function: What makes scores of them.
  ///   - labels: The names of the classes, or nothing.
  static func top(
    _ count: Int, logits: [Float], by function: VitDescription.ScoreFunction = .softmax,
    labels: [String]
  ) -> [Prediction] {
    let scores = scores(logits, by: function)
    let isValue = function == .identity
    return scores.indices.sorted { (-scores[$0], $0) < (-scores[$1], $1) }
      .prefix(count).map { index in
        Prediction(
          index: index, label: labels.indices.contains(index) ? labels[index] : "class \(index)",
          probability: isValue ? nil : scores[index], value: isValue ? scores[index] : nil)
      }
  }

  /// The scores of logits, in double precision.
  static func scores(
    _ logits: [Float], by function: VitDescription.ScoreFunction
  ) -> [Double] {
    switch function {
    case .softmax: softmax(logits)
    case .sigmoid: logits.map { 1 / (1 + exp(-Double($0))) }
    case .identity: logits.map { Double($0) }
    }
  }

  /// exp(x_i - max x) / Σ_j exp(x_j - max x), in double precision.
  static func softmax(_ logits: [Float]) -> [Double] {
    let largest = Double(logits.max() ?? 0)
    let powers = logits.map { exp(Double($0) - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  /// The score for people: `96.99 %`, or a value.
  var text: String {
    probability.map(Format.percent) ?? value.map { Format.significant(Float($0)) } ?? ""
  }
}
