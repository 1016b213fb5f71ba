import Diagnostics
import HeadFitting

/// What the nearest photos say of photos.
struct NeighbourReport {
  /// The report as JSON.
  struct Document: Encodable {
    /// A photo.
    struct Photo: Encodable {
      let file: String
      let `class`: String
      let takenFor: String
      let neighbours: [SearchAnswer.Match]
    }
    let k: Int
    let photos: Int
    let right: Int
    let accuracy: Double
    let interval: [Double]
    let balancedAccuracy: Double
    let balancedInterval: [Double]
    let answers: [Photo]
  }

  private let names: [String]
  private let known: FeatureSet
  private let asked: FeatureSet
  private let labels: [Int]
  private let neighbours: [[NearestRows.Neighbour]]
  private let count: Int
  private let predictions: [Int]
  private let accuracy: Accuracy

  /// Neighbours that are shown of a photo.
  private static let shown = 3
  /// Pairs of classes that are shown.
  private static let mostPairs = 5

  init(
    names: [String], known: FeatureSet, knownLabels: [Int], asked: FeatureSet, labels: [Int],
    neighbours: [[NearestRows.Neighbour]], count: Int
  ) {
    self.names = names
    self.known = known
    self.asked = asked
    self.labels = labels
    self.neighbours = neighbours
    self.count = count
    predictions = neighbours.map {
      NearestVote.winner($0, labels: knownLabels, classes: names.count)
    }
    accuracy = Accuracy(predictions: predictions, labels: labels, classes: names.count)
  }

  private func matches(_ index: Int, most: Int) -> [SearchAnswer.Match] {
    neighbours[index].prefix(most).map {
      SearchAnswer.Match(file: known.paths[$0.row], score: $0.cosine)
    }
  }

  /// The report as JSON.
  var document: Document {
    Document(
      k: count, photos: accuracy.count, right: accuracy.right, accuracy: accuracy.value,
      interval: [accuracy.interval.lowerBound, accuracy.interval.upperBound],
      balancedAccuracy: accuracy.balanced,
      balancedInterval: [
        accuracy.balancedInterval.lowerBound, accuracy.balancedInterval.upperBound,
      ],
      answers: labels.indices.map { index in
        Document.Photo(
          file: asked.paths[index], class: names[labels[index]],
          takenFor: names[predictions[index]], neighbours: matches(index, most: count))
      })
  }

  /// The report for people.
  func text(worst: Int) -> String {
    func percent(_ part: Double) -> String { Format.fixed(100 * part, 1) }
    var lines = [
      "classes  \(Format.grouped(names.count)), \(Format.grouped(known.paths.count)) photos vote",
      "right    \(percent(accuracy.value)) % (\(Format.grouped(accuracy.right)) of "
        + "\(Format.grouped(accuracy.count)); 95 %: \(percent(accuracy.interval.lowerBound)) to "
        + "\(percent(accuracy.interval.upperBound))), balanced \(percent(accuracy.balanced)) %",
    ]
    let pairs = accuracy.confusedPairs.prefix(Self.mostPairs).map {
      "\(names[$0.label]) for \(names[$0.prediction]) \($0.count)"
    }
    if !pairs.isEmpty { lines.append("confused " + pairs.joined(separator: ", ")) }
    var text = lines.map { PlainText.escaped($0) + "\n" }.joined()
    for index in labels.indices.filter({ predictions[$0] != labels[$0] }).prefix(worst) {
      text += PlainText.escaped(
        "\(asked.paths[index]): \(names[labels[index]]), taken for \(names[predictions[index]])")
      text += "\n"
      var table = TextTable([.right, .left])
      for match in matches(index, most: Self.shown) {
        table.add([Format.fixed(Double(match.score), 4), match.file])
      }
      text += table.text(indentation: 2)
    }
    return text
  }
}
