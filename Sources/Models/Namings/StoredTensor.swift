/// Where a checkpoint keeps one of a model's tensors, and how it is laid out there.
struct StoredTensor: Hashable, Sendable {
  /// The order of a stored tensor's elements.
  enum Arrangement: Hashable, Sendable {
    /// The model's own.
    case same
    /// `[positions, inputs, outputs]`, where the model has `[outputs, inputs, positions]`: JAX's
    /// dense kernels, which have one position, and convolution kernels, whose positions are rows
    /// and columns.
    case transposed(positions: Int, inputs: Int, outputs: Int)
  }

  /// The name in the checkpoint.
  var name: String
  /// The shapes that it may have there; messages show the first.
  var shapes: [[Int]]
  /// The order of its elements.
  var arrangement = Arrangement.same
  /// Which part along the first axis it is, where one tensor holds those of all blocks.
  var layer: Int?
  /// Which of several equal parts of the first axis it is, where one tensor holds, say, queries,
  /// keys and values.
  var part: Int?

  /// Creates a place.
  init(
    _ name: String, _ shapes: [[Int]], _ arrangement: Arrangement = .same, layer: Int? = nil
  ) {
    self.name = name
    self.shapes = shapes
    self.arrangement = arrangement
    self.layer = layer
  }

  /// Makes it a dense kernel, stored `[inputs, outputs]`, of a weight of this shape.
  mutating func transpose(_ shape: [Int]) {
    shapes = [[shape[1], shape[0]]]
    arrangement = .transposed(positions: 1, inputs: shape[1], outputs: shape[0])
  }

  /// Makes it the part of this index of `count` equal ones.
  mutating func cut(part: Int, of count: Int) {
    shapes = shapes.map { [count * $0[0]] + $0.dropFirst() }
    self.part = part
  }

  /// Lets it be stored without its leading extents of 1 as well: `[1, 1, D]` as `[1, D]` or `[D]`.
  mutating func allowFewerDimensions() {
    var shape = shapes[0]
    while shape.count > 1, shape[0] == 1 {
      shape.removeFirst()
      shapes.append(shape)
    }
  }

  /// `true` iff it is a tensor of its own, its elements in the model's order.
  var isPlain: Bool { arrangement == .same && layer == nil && part == nil }

  /// What graphs and messages call it: `Transformer/encoderblock/LayerNorm_0/scale[3]` for a part.
  var graphName: String { (layer ?? part).map { "\(name)[\($0)]" } ?? name }

  /// How many outputs a layer has whose weight is stored here, or `nil` if there is none.
  func outputs(in checkpoint: any Checkpoint) -> Int? {
    guard let shape = checkpoint.type(of: name)?.shape, shape.count > 1 else { return nil }
    return arrangement == .same ? shape.first : shape.last
  }
}

extension StoredTensor {
  /// A convolution kernel, stored `[rows, columns, inputs, outputs]`, or a vector, which may be
  /// stored `[1, 1, 1, C]`.
  init(_ name: String, kernelOrVector shape: [Int]) {
    if shape.count == 4 {
      self.init(
        name, [[shape[2], shape[3], shape[1], shape[0]]],
        .transposed(positions: shape[2] * shape[3], inputs: shape[1], outputs: shape[0]))
    } else {
      self.init(name, [shape, [1, 1, 1] + shape])
    }
  }
}
