import Diagnostics
import IR

/// A block of a Transformer whose tokens are the pixels of a map, and attend to each other within
/// windows or all together: `x + proj(attention(norm x))`, then `x + mlp(norm x)`.
///
/// Windows that reach beyond the map are filled with zeros, which attend and are attended to: a
/// linear layer makes its bias of them.
struct WindowedBlock: Hashable, Sendable {
  /// Before each branch.
  var norm: Normalization
  /// The number of heads.
  var heads: Int
  /// `true` iff q, k and v have biases.
  var hasBias: Bool
  /// The second branch.
  var feedForward: FeedForward
  /// Rows and columns of the map.
  var map: [Int]
  /// The side of a window; `nil`: all tokens attend to all.
  var window: Int?
  /// Rows and columns of the grid that vectors are learned for by relative position, if there are
  /// such.
  var relative: [Int]?

  /// Rows and columns of the places that attend to each other.
  private var grid: [Int] { window.map { [$0, $0] } ?? map }

  private var windows: WindowGrid? { window.map { WindowGrid(image: map, window: [$0, $0]) } }

  func append(
    _ name: String, _ x: Value, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(x).shape[1]
    var branch = try norm.append("\(name).norm1", x, to: &builder)
    branch = try attention("\(name).attn", branch, &builder)
    branch = try builder.linear("\(name).attn.proj", branch, dim)
    let middle = try builder.sum(x, branch, name: "\(name).attn.residual")
    branch = try norm.append("\(name).norm2", middle, to: &builder)
    branch = try feedForward.append("\(name).mlp", branch, to: &builder)
    return try builder.sum(middle, branch, name: "\(name).mlp.residual")
  }

  private func attention(
    _ name: String, _ x: Value, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var operands: [Value] = []
    for index in 0..<3 {
      operands.append(
        try builder.windowed(name, index, x, biases: hasBias ? .all : [], windows: windows))
    }
    let headDim = builder.type(x).shape[1] / heads
    if let relative {
      for axis in 0..<2 {
        operands.append(
          try scores(name, axis, operands[0], learned: relative[axis], headDim, &builder))
      }
    }
    let attention = Attention(
      heads: heads, scale: Float(1 / Double(headDim).squareRoot()), windows: windows?.count ?? 1,
      grid: relative == nil ? nil : grid)
    let mixed = try builder.append(.attention(attention), operands, name: "\(name).mixed")
    guard let windows else { return mixed }
    return try builder.append(
      .windowMerge(WindowMerge(windows)), [mixed], name: "\(name).merged")
  }

  /// What is added to the scores along an axis, from vectors for a grid of `learned` places there.
  private func scores(
    _ name: String, _ axis: Int, _ queries: Value, learned: Int, _ headDim: Int,
    _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let tensor = "\(name).rel_pos_\(["h", "w"][axis])"
    let vectors = try builder.weight(tensor, [2 * learned - 1, headDim])
    let table = try builder.append(
      .relativeTable(RelativeTable(to: grid[axis])), [vectors], name: "\(tensor).table")
    return try builder.append(
      .relativeScores(RelativeScores(heads: heads, grid: grid, axis: axis)), [queries, table],
      name: "\(tensor).scores")
  }

  /// The multiply-adds of one image.
  func multiplyAdds(dim: Int) -> Int {
    let rows = windows?.widenedPlaces ?? map[0] * map[1]
    let perToken = grid[0] * grid[1] * 2 + (relative == nil ? 0 : grid[0] + grid[1])
    return rows * dim * (4 * dim + perToken) + 2 * map[0] * map[1] * dim * feedForward.hidden
  }
}
