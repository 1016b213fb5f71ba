import Foundation

/// A class and how probable it is.
struct Prediction: Encodable, Hashable {
  /// The class, from 0.
  let index: Int
  /// The name of the class; `class 7` where no names are known.
  let label: String
  /// Between 0 and 1.
  let probability: Double

  /// Returns the `count` most probable classes, the most probable first; of equal ones the one with
  /// the lower index.
  ///
  /// - Parameters:
  ///   - logits: A score for each class.
  ///   - labels: The names of the classes, or nothing.
  ///   - count: How many to return; at most all are.
  static func top(_ count: Int, logits: [Float], labels: [String]) -> [Prediction] {
    let probabilities = softmax(logits)
    return probabilities.indices.sorted {
      (-probabilities[$0], $0) < (-probabilities[$1], $1)
    }
    .prefix(count).map { index in
      Prediction(
        index: index, label: labels.indices.contains(index) ? labels[index] : "class \(index)",
        probability: probabilities[index])
    }
  }

  /// exp(x_i - max x) / Σ_j exp(x_j - max x), in double precision.
  static func softmax(_ logits: [Float]) -> [Double] {
    let largest = Double(logits.max() ?? 0)
    let powers = logits.map { exp(Double($0) - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }
}
