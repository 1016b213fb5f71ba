import Diagnostics
import IR

/// A block of a Swin Transformer: attention within windows, which in every second block lie between
/// those of the one before, with a learned number for each head and relative place;
/// `x + proj(attention(norm x))`, then `x + mlp(norm x)`.
struct ShiftedBlock: Hashable, Sendable {
  /// Before each branch.
  var norm: Normalization
  /// The number of heads.
  var heads: Int
  /// `true` iff q, k and v have biases.
  var hasBias: Bool
  /// The second branch.
  var feedForward: FeedForward
  /// The map, its windows, and how far they are moved.
  var windows: WindowGrid
  /// Rows and columns of the window that the table is stored for.
  var storedWindow: [Int]

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
        try builder.windowed(
          name, index, x, biases: hasBias ? .all : [], windows: cut ? windows : nil))
    }
    operands.append(try bias(name, &builder))
    let headDim = builder.type(x).shape[1] / heads
    let attention = Attention(
      heads: heads, scale: Float(1 / Double(headDim).squareRoot()), windows: windows.count,
      hasBias: true)
    let mixed = try builder.append(.attention(attention), operands, name: "\(name).mixed")
    guard cut else { return mixed }
    return try builder.append(
      .windowMerge(WindowMerge(windows)), [mixed], name: "\(name).merged")
  }

  /// `false` iff there is one window, which is the map.
  private var cut: Bool { windows.window != windows.image }

  /// What is added to the scores.
  private func bias(_ name: String, _ builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    let rows = (2 * storedWindow[0] - 1) * (2 * storedWindow[1] - 1)
    let tensor = RelativeBias.name(of: name)
    let table = try builder.weight(tensor, [rows, heads])
    return try builder.append(
      .relativePositionBias(
        RelativePositionBias(
          grid: windows.window, from: storedWindow, method: .geometric,
          windows: windows.shift == [0, 0] ? nil : windows.windows, shift: windows.shift)),
      [table], name: "\(tensor).bias")
  }

  /// The multiply-adds of one image, for pixels of this width.
  func multiplyAdds(dim: Int) -> Int {
    let (rows, area) = (windows.widenedPlaces, windows.window[0] * windows.window[1])
    return rows * dim * (4 * dim + 2 * area) + 2 * windows.places * dim * feedForward.hidden
  }
}
