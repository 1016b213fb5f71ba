/// The scores that each photo gets from a fit to all others.
public struct LeaveOneOut: Hashable, Sendable {
  /// `[photos, classes]`, row-major.
  public let scores: [Double]
  /// The class of each photo.
  public let labels: [Int]
  /// The number of classes.
  public let classes: Int
  /// The class that each photo is taken for.
  public let predictions: [Int]

  init(scores: [Double], labels: [Int], classes: Int) {
    self.scores = scores
    self.labels = labels
    self.classes = classes
    predictions = scores.highest(columns: classes)
  }

  /// How many photos are taken for their own class.
  public var right: Int { zip(predictions, labels).count { $0 == $1 } }

  /// The mean square of the differences from the targets 1 and -1, over photos and classes.
  public var squaredError: Double {
    var sum = 0.0
    for i in labels.indices {
      for k in 0..<classes {
        let difference = (labels[i] == k ? 1 : -1) - scores[i * classes + k]
        sum += difference * difference
      }
    }
    return sum / Double(scores.count)
  }

  /// By how much a photo's own class is ahead of the best other one; negative where it is not.
  public func margin(of photo: Int) -> Double {
    let row = scores[photo * classes..<(photo + 1) * classes]
    let own = row[row.startIndex + labels[photo]]
    let others = row.indices.filter { $0 - row.startIndex != labels[photo] }.map { row[$0] }
    return own - (others.max() ?? own)
  }
}
