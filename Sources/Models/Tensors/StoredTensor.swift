/// Where a checkpoint keeps one of a model's tensors, and how it is laid out there.
public struct StoredTensor: Hashable, Sendable {
  /// The order of a stored tensor's elements.
  public enum Arrangement: Hashable, Sendable {
    /// The model's own.
    case same
    /// `[positions, inputs, outputs]`, where the model has `[outputs, inputs, positions]`: JAX's
    /// dense kernels, which have one position, and convolution kernels, whose positions are rows
    /// and columns.
    case transposed(positions: Int, inputs: Int, outputs: Int)
  }

  /// The name in the checkpoint.
  public var name: String
  /// The shapes that it may have there; messages show the first.
  public var shapes: [[Int]]
  /// The order of its elements.
  public var arrangement = Arrangement.same
  /// Which part along the first axis it is, where one tensor holds those of all blocks.
  public var layer: Int?

  /// Creates a place.
  public init(
    _ name: String, _ shapes: [[Int]], _ arrangement: Arrangement = .same, layer: Int? = nil
  ) {
    self.name = name
    self.shapes = shapes
    self.arrangement = arrangement
    self.layer = layer
  }

  /// What graphs and messages call it: `Transformer/encoderblock/LayerNorm_0/scale[3]` for a part.
  public var graphName: String { layer.map { "\(name)[\($0)]" } ?? name }

  /// How many outputs a layer has whose weight is stored here, or `nil` if there is none.
  func outputs(in checkpoint: any Checkpoint) -> Int? {
    guard let shape = checkpoint.type(of: name)?.shape, shape.count > 1 else { return nil }
    return arrangement == .same ? shape.first : shape.last
  }
}
