import Diagnostics
import IR

/// A block of a Transformer whose tokens are the pixels of a map, and attend to each other within
/// windows or all together: `x + proj(attention(norm x))`, then `x + mlp(norm x)`.
///
/// Windows that reach beyond the map are filled with zeros, which attend and are attended to: a
/// linear layer makes its bias of them.
struct WindowedBlock: StagedBlock {
  /// What is added to the scores by the places of query and key relative to each other.
  enum Positions: Hashable, Sendable {
    /// Nothing.
    case none
    /// The products of the query with a vector for the distance along each axis, learned for a grid
    /// of so many places along it.
    case axes(learned: [Int])
    /// A number for each head and distance, stored for windows of so many rows and columns.
    case table(stored: [Int])
  }

  /// Before each branch.
  var norm: Normalization
  /// The number of heads.
  var heads: Int
  /// `true` iff q, k and v have biases.
  var hasBias: Bool
  /// The second branch.
  var feedForward: FeedForward
  /// The map, its windows, and how far they are moved; one window that is the map: all tokens
  /// attend to all.
  var windows: WindowGrid
  /// What is added to the scores.
  var positions: Positions

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
    let cut = windows.cutsMap ? windows : nil
    var operands: [Value] = []
    for index in 0..<3 {
      operands.append(
        try builder.windowed(name, index, x, biases: hasBias ? .all : [], windows: cut))
    }
    let headDim = builder.type(x).shape[1] / heads
    var attention = Attention(
      heads: heads, scale: Float(1 / Double(headDim).squareRoot()), windows: windows.count)
    switch positions {
    case .none: break
    case .axes(let learned):
      attention.grid = windows.window
      for axis in 0..<2 {
        operands.append(
          try scores(name, axis, operands[0], learned: learned[axis], headDim, &builder))
      }
    case .table(let stored):
      attention.hasBias = true
      attention.kinds = windows.kinds
      operands.append(try bias(name, stored: stored, &builder))
    }
    let mixed = try builder.append(.attention(attention), operands, name: "\(name).mixed")
    guard let cut else { return mixed }
    return try builder.append(.windowMerge(WindowMerge(cut)), [mixed], name: "\(name).merged")
  }

  /// What is added to the scores along an axis, from vectors for a grid of `learned` places there.
  private func scores(
    _ name: String, _ axis: Int, _ queries: Value, learned: Int, _ headDim: Int,
    _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let tensor = "\(name).rel_pos_\(["h", "w"][axis])"
    let vectors = try builder.weight(tensor, [2 * learned - 1, headDim])
    let table = try builder.append(
      .relativeTable(RelativeTable(to: windows.window[axis])), [vectors], name: "\(tensor).table")
    return try builder.append(
      .relativeScores(RelativeScores(heads: heads, grid: windows.window, axis: axis)),
      [queries, table], name: "\(tensor).scores")
  }

  /// What is added to the scores from a table.
  private func bias(
    _ name: String, stored: [Int], _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let rows = (2 * stored[0] - 1) * (2 * stored[1] - 1)
    let tensor = RelativeBias.name(of: name)
    let table = try builder.weight(tensor, [rows, heads])
    return try builder.append(
      .relativePositionBias(
        RelativePositionBias(
          grid: windows.window, from: stored, method: .geometric,
          windows: windows.kinds?.windows, shift: windows.shift)),
      [table], name: "\(tensor).bias")
  }

  func multiplyAdds(dim: Int) -> Int {
    let window = windows.window
    var perToken = 2 * window[0] * window[1]
    if case .axes = positions { perToken += window[0] + window[1] }
    return windows.widenedPlaces * dim * (4 * dim + perToken)
      + 2 * windows.places * dim * feedForward.hidden
  }
}
