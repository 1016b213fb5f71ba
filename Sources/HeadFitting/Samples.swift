/// Features of photos of known classes.
public struct Samples: Sendable {
  /// The features, `[count, width]`, row-major.
  public var features: [Float]
  /// The class of each row, from 0 on.
  public var labels: [Int]
  /// The number of features of a photo: D.
  public var width: Int
  /// The number of classes: K; each should have a row.
  public var classes: Int

  /// Creates samples; there must be `width` features for each label, and no label beyond the
  /// classes.
  public init(features: [Float], labels: [Int], width: Int, classes: Int) {
    precondition(
      features.count == labels.count * width && labels.allSatisfy { (0..<classes).contains($0) },
      "\(features.count) features of width \(width) for \(labels.count) labels")
    self.features = features
    self.labels = labels
    self.width = width
    self.classes = classes
  }

  /// The number of photos: n.
  public var count: Int { labels.count }

  /// The number of photos of each class.
  public var counts: [Int] {
    var counts = [Int](repeating: 0, count: classes)
    for label in labels { counts[label] += 1 }
    return counts
  }
}
