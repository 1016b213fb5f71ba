/// What the self-test of a compiled model found.
public struct VitSelfTest: Hashable, Sendable {
  /// The largest difference from a golden value, relative to that value or to the root mean square
  /// of its output, whichever is larger; infinite if something is not a number.
  public var error: Double
  /// The largest error that passes.
  public var limit: Double

  /// `true` iff the model computes what it computed when it was compiled.
  public var passed: Bool { error <= limit }
}
