import Diagnostics
import IR
import Models

/// Classes that are texts, of which vectors are there.
public struct TextClasses: Sendable {
  /// The names of the classes.
  public var labels: [String]
  /// A vector of each, row by row: of any length but 0.
  public var vectors: [Float]
  /// Where the vectors come from, for messages.
  public var source: String

  /// Creates classes.
  public init(labels: [String], vectors: [Float], source: String) {
    self.labels = labels
    self.vectors = vectors
    self.source = source
  }

  /// The number of elements of a vector.
  public var width: Int { labels.isEmpty ? 0 : vectors.count / labels.count }

  /// Returns a model that was loaded without a head, with the head that compares its features with
  /// the vectors.
  ///
  /// - Throws: Vectors of another width than the features.
  func attach(
    to model: Model, _ comparison: TextComparison, scores: ScoreFunction?
  ) throws(Diagnostic) -> Model {
    let graph = try model.graph(reading: .token)
    let features = graph.outputs.first.map { graph[$0.value].type.count } ?? 0
    guard features == width else {
      throw Diagnostic(
        "the vectors of texts have \(width) numbers, '\(model.configuration.name)' makes "
          + "\(features) of an image", at: .file(source),
        hint: "both must be projected, by the two towers of one model")
    }
    let head = SuppliedHead(
      labels: labels, vectors: vectors, comparison: comparison, source: source)
    var result = try model.attaching(head, scores: scores)
    result.notes.append(
      "logits compare images with texts: \(labels.count) classes, cosine x "
        + "\(Self.short(comparison.scale)) + \(Self.short(comparison.bias)), scores by "
        + (scores ?? comparison.scores).rawValue)
    return result
  }

  /// A number with three decimals at most.
  private static func short(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
}
