import Diagnostics
import Parallel

/// A classifier fitted to features: the paper's few-shot method with the strength of regularization
/// chosen by leave-one-out, and scores that softmax makes probabilities of.
public struct FittedHead: Sendable {
  /// The linear layer; its scores are logits.
  public let head: LinearHead
  /// The strength of the regularization.
  public let l2: Double
  /// What the least-squares scores are multiplied by.
  public let temperature: Double
  /// `true` iff the temperature was found, not assumed.
  public let isCalibrated: Bool
  /// What photos get from fits without them, not multiplied by the temperature.
  public let leaveOneOut: LeaveOneOut
  /// What was tried.
  public let trials: [Trial]

  /// One strength, and what leave-one-out says of it.
  public struct Trial: Hashable, Sendable {
    /// The strength.
    public let l2: Double
    /// How many photos are taken for their own class.
    public let right: Int
    /// The mean square of the differences from the targets.
    public let squaredError: Double
  }

  /// The strengths that are tried: 2^-5 to 2^19.
  public static let strengths = (-5...19).map { exponent in
    exponent < 0 ? 1 / Double(1 << -exponent) : Double(1 << exponent)
  }
  /// The strength where leave-one-out can say nothing, as no class has two photos.
  public static let strengthOfSinglePhotos = 32.0

  /// Fits.
  ///
  /// The strength is that with the fewest leave-one-out errors, of equal ones that with the
  /// smallest squared error.
  ///
  /// - Parameters:
  ///   - samples: at least two classes, each with a photo.
  ///   - l2: the strength, above 0; `nil`: it is chosen.
  /// - Throws: fewer than two classes, a class without photos, features that are not finite, or
  /// that OpenBLAS cannot be used.
  public init(_ samples: Samples, l2: Double? = nil) throws(Diagnostic) {
    guard samples.classes > 1 else {
      throw Diagnostic(
        "found \(samples.classes == 1 ? "one class" : "no classes"), expected two or more",
        hint: "a classifier tells classes apart: make a folder for each")
    }
    if let empty = samples.counts.firstIndex(of: 0) {
      throw Diagnostic("class \(empty) has no photos")
    }
    guard samples.features.allSatisfy(\.isFinite) else {
      throw Diagnostic("some features are NaN or infinite")
    }
    try Algebra.check()
    let hasPairs = samples.counts.contains { $0 > 1 }
    let strengths = l2.map { [$0] } ?? (hasPairs ? Self.strengths : [Self.strengthOfSinglePhotos])
    self = try Algebra.onOneThread { () throws(Diagnostic) in
      try FittedHead(RidgePath(samples), strengths, hasPairs: hasPairs)
    }
  }

  private init(
    _ path: RidgePath, _ strengths: [Double], hasPairs: Bool
  ) throws(Diagnostic) {
    // Places do not overlap, so threads write apart.
    var found = [Trial?](repeating: nil, count: strengths.count)
    found.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let found = buffer
      Parallel.forEach(strengths.count) { index in
        let result = path.leaveOneOut(l2: strengths[index])
        found[index] = Trial(
          l2: strengths[index], right: result.right, squaredError: result.squaredError)
      }
    }
    trials = found.compactMap(\.self)
    let best = trials.min { ($1.right, $0.squaredError) < ($0.right, $1.squaredError) }
    l2 = best?.l2 ?? Self.strengthOfSinglePhotos
    leaveOneOut = path.leaveOneOut(l2: l2)
    let factor =
      hasPairs
      ? Temperature.fit(
        leaveOneOut.scores, labels: leaveOneOut.labels, classes: leaveOneOut.classes) : nil
    isCalibrated = factor != nil
    temperature = factor ?? 1
    head = path.head(l2: l2).scaled(by: temperature)
  }
}
