import IR

/// A tensor that a model reads, by its canonical name, which is timm's.
public struct TensorSpecification: Hashable, Sendable {
  /// timm's name; where q, k and v are stored apart, `blocks.3.attn.q.weight` and so on.
  public var name: String
  /// Its type.
  public var type: TensorType

  /// Creates a specification of an `f32` tensor.
  public init(name: String, shape: [Int]) {
    self.name = name
    type = TensorType(.f32, shape)
  }
}
