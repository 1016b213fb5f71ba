import Diagnostics
import HeadFitting

/// What fitting a head found, for people and, as JSON, for programs.
public struct HeadReport: Encodable, Sendable {
  /// A class and its photos.
  public struct ClassCount: Encodable, Sendable {
    /// The class.
    public let name: String
    /// The photos that were fitted to.
    public let photos: Int
  }

  /// How often the head is right.
  public struct Score: Encodable, Sendable {
    /// The number of photos.
    public let photos: Int
    /// How many of them were taken for their own class.
    public let right: Int
    /// The part that is right.
    public let accuracy: Double
    /// The interval that holds it with 95 % probability.
    public let interval: [Double]
    /// The mean over the classes of the part that is right.
    public let balancedAccuracy: Double
    /// The interval that holds that with 95 % probability.
    public let balancedInterval: [Double]
    /// The mean of -log of the probability of the true class.
    public let logLoss: Double
    /// The mean difference of confidence and accuracy, over ten bins of confidence.
    public let calibrationError: Double
    /// Of each true class, how many photos were taken for which class.
    public let confusion: [[Int]]
    /// Classes that are taken for each other, the most frequent first.
    public let confused: [Confusion]
    /// For pictures.
    public let reliability: Reliability

    enum CodingKeys: CodingKey {
      case photos, right, accuracy, interval, balancedAccuracy, balancedInterval, logLoss
      case calibrationError, confusion, confused
    }
  }

  /// A class that was taken for another.
  public struct Confusion: Encodable, Sendable {
    /// The true class.
    public let `class`: String
    /// What it was taken for.
    public let takenFor: String
    /// How often.
    public let count: Int
  }

  /// A photo that may be in the wrong folder.
  public struct Suspect: Encodable, Sendable {
    /// The photo.
    public let file: String
    /// The class that it is in.
    public let `class`: String
    /// The class that the others take it for.
    public let takenFor: String
    /// By how much its own class is behind that one, in least-squares scores, which are made for 1
    /// and -1; above 0 where it is ahead of all others.
    public let margin: Double
  }

  /// A file that was left out.
  public struct Skipped: Encodable, Sendable {
    /// The file.
    public let file: String
    /// Why.
    public let reason: String
  }

  /// The classes, in order.
  public var classes: [ClassCount]
  /// What the head reads: `class`, `mean` or `class+mean`.
  public var features: String
  /// The number of features.
  public var width: Int
  /// The strength of the regularization.
  public var l2: Double
  /// `true` iff leave-one-out chose it.
  public var isChosen: Bool
  /// What the least-squares scores were multiplied by.
  public var temperature: Double
  /// What leave-one-out says of it; absent where it can say nothing, as no class has two photos.
  public var leaveOneOut: Score?
  /// What the test photos say.
  public var test: Score?
  /// The photos that leave-one-out finds farthest from their class.
  public var suspects: [Suspect]
  /// What to be aware of.
  public var warnings: [String]
  /// The files that were left out.
  public var skipped: [Skipped]
}

extension HeadReport.Score {
  /// Counts what logits say of photos.
  init(logits: [Double], labels: [Int], names: [String]) {
    let predictions = logits.highest(columns: names.count)
    let accuracy = Accuracy(predictions: predictions, labels: labels, classes: names.count)
    reliability = Reliability(logits: logits, labels: labels, classes: names.count)
    photos = accuracy.count
    right = accuracy.right
    self.accuracy = accuracy.value
    interval = [accuracy.interval.lowerBound, accuracy.interval.upperBound]
    balancedAccuracy = accuracy.balanced
    balancedInterval = [accuracy.balancedInterval.lowerBound, accuracy.balancedInterval.upperBound]
    logLoss = reliability.logLoss
    calibrationError = reliability.error
    confusion = accuracy.confusion
    confused = accuracy.confusedPairs.map {
      HeadReport.Confusion(class: names[$0.label], takenFor: names[$0.prediction], count: $0.count)
    }
  }
}
