import CWeightLoops
import Diagnostics
import IR
import SeededRandom

/// The deterministic pseudo-random weights of `--weights seed:N`, as Docs/SeedWeights.md defines
/// them: each element is a function of the tensor's name, its index and the seed.
public struct SeededCheckpoint: Checkpoint {
  /// N.
  public let seed: UInt64
  /// The names of all tensors, sorted.
  public let names: [String]
  private let shapes: [String: [Int]]

  /// What messages call it.
  public var path: String { "seed:\(seed)" }

  /// Creates the weights of a model; tensor names and shapes are timm's.
  public init(seed: UInt64, shapes: [String: [Int]]) {
    self.seed = seed
    self.shapes = shapes
    names = shapes.keys.sorted()
  }

  /// The type of a tensor, or `nil` if there is none of this name.
  public func type(of name: String) -> StoredType? { shapes[name].map { StoredType(.f32, $0) } }

  /// Returns a tensor's values as `f32`.
  public func read(_ name: String) throws(Diagnostic) -> Tensor {
    guard let shape = shapes[name] else { throw missing(name) }
    return Self.tensor(name: name, shape: shape, seed: seed)
  }

  /// What the state grows by from one element to the next.
  private static let increment: UInt64 = 0xD1B5_4A32_D192_ED03

  /// Returns the tensor of this name and shape; `input` is a batch of images.
  public static func tensor(name: String, shape: [Int], seed: UInt64) -> Tensor {
    let count = shape.reduce(1, *)
    let (offset, scale) = role(name: name, shape: shape)
    let first = seed &* SplitMix64.increment &+ SplitMix64.hash(name)
    let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      if let y = buffer.baseAddress {
        cwl_seeded(y, count, first, increment, offset, scale, 0)
      }
      initialized = count
    }
    return Tensor(shape: shape, values: values)
  }

  /// The middle and the half width of the interval that a tensor's elements are spread over.
  private static func role(name: String, shape: [Int]) -> (offset: Double, scale: Double) {
    if name == "input" { return (0, 1) }
    if name.hasSuffix("bias") { return (0, 0.1) }
    if name.hasSuffix("gamma") { return (0.5, 0.3) }
    if name.hasSuffix("_token") || name.hasSuffix("pos_embed") { return (0, 0.5) }
    if shape.count == 1 { return (1, 0.3) }
    return (0, (3 / Double(shape.dropFirst().reduce(1, *))).squareRoot())
  }
}
