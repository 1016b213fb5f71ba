import Foundation
import HeadFitting
import JSON
import Npy
import Testing

/// Heads fitted to the digits' features, against numpy's solver and leave-one-out by 100 fits.
@Suite struct GoldenTests {
  /// A golden head.
  struct Golden {
    let l2: Double
    let right: Int
    let leaveOneOut: Int
    let squaredError: Double
    let firstScores: [Double]
    let norm: Double
    let bias: [Double]
  }

  private static func number(_ value: JSONValue?) -> Double {
    switch value {
    case .number(let number): number
    case .integer(let number): Double(number)
    default: .nan
    }
  }

  static func goldens() throws -> [Golden] {
    let text = try String(contentsOfFile: fixtures + "/heads.json", encoding: .utf8)
    return try (JSONValue(parsing: text)["heads"]?.array ?? []).map { head in
      Golden(
        l2: number(head["l2"]), right: Int(number(head["right"])),
        leaveOneOut: Int(number(head["leave_one_out"])),
        squaredError: number(head["squared_error"]),
        firstScores: (head["first_scores"]?.array ?? []).map(number), norm: number(head["norm"]),
        bias: (head["bias"]?.array ?? []).map(number))
    }
  }

  /// The first ten images of each class, and the other 260.
  static func split() throws -> (train: Samples, test: Samples) {
    let features = try NpyArray(path: fixtures + "/features.npy")
    let labels = try NpyArray(path: fixtures + "/labels.npy").values.map { Int($0) }
    let width = features.shape[1]
    var seen = [Int](repeating: 0, count: 10)
    var (train, test) = (
      Samples(features: [], labels: [], width: width, classes: 10),
      Samples(features: [], labels: [], width: width, classes: 10)
    )
    for (i, label) in labels.enumerated() {
      let row = features.values[i * width..<(i + 1) * width]
      seen[label] += 1
      if seen[label] <= 10 {
        train.features += row
        train.labels.append(label)
      } else {
        test.features += row
        test.labels.append(label)
      }
    }
    return (train, test)
  }

  @Test func headsEqualNumPys() throws {
    let (train, test) = try Self.split()
    let goldens = try Self.goldens()
    try #require(goldens.count == 3 && train.count == 100 && test.count == 260)
    for golden in goldens {
      let fitted = try FittedHead(train, l2: golden.l2)
      #expect(fitted.l2 == golden.l2)
      #expect(fitted.leaveOneOut.right == golden.leaveOneOut)
      #expect(abs(fitted.leaveOneOut.squaredError - golden.squaredError) < 1e-9)
      for (found, wanted) in zip(fitted.leaveOneOut.scores, golden.firstScores) {
        #expect(abs(found - wanted) < 1e-9)
      }
      // As it is without the temperature.
      let plain = fitted.head.scaled(by: 1 / fitted.temperature)
      let norm = plain.weight.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(abs(norm - golden.norm) < 1e-9)
      for (found, wanted) in zip(plain.bias, golden.bias) { #expect(abs(found - wanted) < 1e-9) }
      let predictions = fitted.head.scores(of: test.features).highest(columns: 10)
      #expect(zip(predictions, test.labels).count { $0 == $1 } == golden.right)
    }
  }

  /// The constants of the rule with a constant feature of 100 instead of an intercept differ in the
  /// fifth digit.
  @Test(arguments: zip([1.0, 32, 1024], [0.02330071, 0.02678265, 0.15909916]))
  func squaredErrorsAreThoseOfTheFreeIntercept(l2: Double, error: Double) throws {
    let fitted = try FittedHead(try Self.split().train, l2: l2)
    #expect(abs(fitted.leaveOneOut.squaredError - error) < 1e-6)
  }

  /// 99 of 100 at many strengths: the smallest squared error decides.
  @Test func tiesGoToTheSmallerSquaredError() throws {
    let fitted = try FittedHead(try Self.split().train)
    #expect(fitted.trials.map(\.l2) == FittedHead.strengths)
    let most = try #require(fitted.trials.map(\.right).max())
    let tied = fitted.trials.filter { $0.right == most }
    #expect(tied.count > 1)
    #expect(fitted.l2 == tied.min { $0.squaredError < $1.squaredError }?.l2)
    // Others have a smaller one, but more errors, or this is the smallest of all.
    #expect(fitted.leaveOneOut.right == most)
  }
}
