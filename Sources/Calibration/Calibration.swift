import IR

/// What calibration images have shown: tensors that take the place of constants, by name.
public struct Calibration: Sendable {
  private struct Integers {
    let shape: [Int]
    let values: [Int8]
  }

  private var integers: [String: Integers] = [:]
  private var floats: [String: Tensor] = [:]
  /// The original graph's results for each image, by name.
  public internal(set) var truth: [String: [Tensor]] = [:]
  /// The calibrated graph's errors, by the result's name (``OutputError``).
  public internal(set) var errors: [String: Double] = [:]

  /// Creates one that has no tensors.
  public init() {}

  /// The tensor of a name; `nil` where the calibration has none.
  public func tensor(named name: String) -> Tensor? {
    if let tensor = floats[name] { return tensor }
    guard let stored = integers[name] else { return nil }
    return Tensor(shape: stored.shape, values: stored.values.map(Float.init))
  }

  mutating func set(_ name: String, _ tensor: Tensor) { floats[name] = tensor }

  mutating func set(_ name: String, shape: [Int], _ values: [Int8]) {
    integers[name] = Integers(shape: shape, values: values)
  }
}
