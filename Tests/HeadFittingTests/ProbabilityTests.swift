import Foundation
import HeadFitting
import SeededRandom
import Testing

/// Temperatures, intervals and reliability against their definitions.
@Suite struct ProbabilityTests {
  /// `-sum log softmax(t scores)[label]`.
  private static func loss(_ scores: [Double], _ labels: [Int], _ k: Int, _ t: Double) -> Double {
    labels.indices.reduce(0) { sum, i in
      let row = scores[i * k..<(i + 1) * k].map { $0 * t }
      let largest = row.max() ?? 0
      let total = row.reduce(0) { $0 + exp($1 - largest) }
      return sum - (row[labels[i]] - largest - log(total))
    }
  }

  @Test func theTemperatureMinimizesTheLoss() throws {
    let fitted = try FittedHead(drawn([12, 9, 15], width: 6, spread: 1.5, seed: 3))
    let out = fitted.leaveOneOut
    #expect(out.right < 36, "the classes must overlap")
    #expect(fitted.isCalibrated)
    let t = fitted.temperature
    let least = Self.loss(out.scores, out.labels, 3, t)
    for factor in [0.5, 0.9, 0.999, 1.001, 1.1, 2] {
      #expect(Self.loss(out.scores, out.labels, 3, t * factor) > least)
    }
  }

  /// Nothing is ever certain, also where no photo is taken for another class.
  @Test func separatedClassesHaveATemperature() throws {
    let few = try FittedHead(drawn([4, 4], width: 3, spread: 0.01))
    let many = try FittedHead(drawn([40, 40], width: 3, spread: 0.01))
    for fitted in [few, many] {
      #expect(fitted.leaveOneOut.right == fitted.leaveOneOut.labels.count)
      #expect(fitted.isCalibrated && fitted.temperature.isFinite)
    }
    // Of n photos one in about n + 2 may be wrong.
    let logits = few.leaveOneOut.scores.map { $0 * few.temperature }
    let confidence = 1 / (1 + exp(-abs(logits[0] - logits[1])))
    #expect(confidence > 0.8 && confidence < 0.98)
    #expect(many.temperature > few.temperature)
  }

  @Test func scoresThatSayNothingHaveNone() {
    #expect(Temperature.fit([1, 0, 0, 1], labels: [1, 0], classes: 2) == nil)
    #expect(Temperature.fit([0, 0, 0, 0], labels: [1, 0], classes: 2) == nil)
    #expect(Temperature.fit([], labels: [], classes: 2) == nil)
  }

  /// Wilson's interval of R's prop.test(8, 10, correct = FALSE) and of 0 and all hits.
  @Test func intervalsAreWilsons() {
    let accuracy = Accuracy(
      predictions: [0, 0, 0, 0, 1, 1, 1, 1, 1, 0], labels: [0, 0, 0, 0, 0, 1, 1, 1, 1, 1],
      classes: 2)
    #expect(accuracy.right == 8 && accuracy.value == 0.8 && accuracy.balanced == 0.8)
    #expect(abs(accuracy.interval.lowerBound - 0.4901625) < 1e-6)
    #expect(abs(accuracy.interval.upperBound - 0.9433178) < 1e-6)
    let all = Accuracy(predictions: [0, 1], labels: [0, 1], classes: 2)
    #expect(all.interval.upperBound == 1 && all.interval.lowerBound < 0.4)
    #expect(all.balancedInterval.upperBound <= 1 && all.balancedInterval.lowerBound < 0.8)
  }

  /// A class of 2 counts as much as one of 8; a class without photos not at all.
  @Test func balancedAccuracyIsTheMeanOverClasses() {
    let labels = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    let accuracy = Accuracy(
      predictions: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1], labels: labels, classes: 3)
    #expect(accuracy.value == 0.9 && accuracy.balanced == 0.75)
    #expect(accuracy.balancedInterval.contains(0.75))
    #expect(accuracy.confusion == [[8, 0, 0], [1, 1, 0], [0, 0, 0]])
    #expect(accuracy.confusedPairs.map(\.count) == [1])
    #expect(accuracy.confusedPairs[0].label == 1 && accuracy.confusedPairs[0].prediction == 0)
  }

  @Test func reliabilityCountsConfidences() throws {
    // Confidences .9, .9 and .6 (twice right, once wrong).
    let (sure, unsure) = (log(9.0), log(1.5))
    let found = Reliability(
      logits: [sure, 0, sure, 0, 0, unsure], labels: [0, 1, 1], classes: 2)
    let high = try #require(found.bins[9] ?? found.bins[8])
    #expect(high.count == 2 && abs(high.confidence - 0.9) < 1e-12 && high.accuracy == 0.5)
    #expect(found.bins.compactMap(\.self).reduce(0) { $0 + $1.count } == 3)
    #expect(abs(found.error - (2.0 / 3 * 0.4 + 1.0 / 3 * 0.4)) < 1e-12)
    #expect(abs(found.logLoss - (-log(0.9) - log(0.1) - log(0.6)) / 3) < 1e-12)
  }
}
