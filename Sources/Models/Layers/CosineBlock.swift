import Diagnostics
import Glibc
import IR

/// A block of the second version of Swin Transformers: attention within windows, by the cosines of
/// queries and keys times a learned number for each head, and by positions that a small network
/// makes; `x + norm(proj(attention x))`, then `x + norm(mlp x)`.
struct CosineBlock: StagedBlock {
  /// After each branch.
  var norm: Normalization
  /// The number of heads.
  var heads: Int
  /// Which of q, k and v have biases.
  var biases: AttentionBiases
  /// How timm stores them.
  var projections: TimmProjections
  /// The shape that the numbers of the heads are stored in.
  var storedScale: [Int]
  /// The second branch.
  var feedForward: FeedForward
  /// The map, its windows, and how far they are moved.
  var windows: WindowGrid
  /// What is added to the scores.
  var positions: ContinuousPositions
  /// `true` iff the sum of all passes a norm at the end.
  var normsSum = false

  /// The logarithm of the most that cosines are multiplied by.
  private static let scaleLimit = Float(Glibc.log(100.0))
  /// The least that queries and keys are divided by: PyTorch's `normalize`.
  private static let smallestNorm: Float = 1e-12

  func append(
    _ name: String, _ x: Value, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(x).shape[1]
    var branch = try attention("\(name).attn", x, &builder)
    branch = try builder.linear("\(name).attn.proj", branch, dim)
    branch = try norm.append("\(name).norm1", branch, to: &builder)
    let middle = try builder.sum(x, branch, name: "\(name).attn.residual")
    branch = try feedForward.append("\(name).mlp", middle, to: &builder)
    branch = try norm.append("\(name).norm2", branch, to: &builder)
    let sum = try builder.sum(middle, branch, name: "\(name).mlp.residual")
    return normsSum ? try norm.append("\(name).norm3", sum, to: &builder) : sum
  }

  private func attention(
    _ name: String, _ x: Value, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let cut = windows.cutsMap ? windows : nil
    var operands: [Value] = []
    for index in 0..<3 {
      operands.append(
        try builder.windowed(
          name, index, x, biases: biases, projections: projections, windows: cut))
    }
    let norm = Op.l2Norm(L2Norm(heads: heads, epsilon: Self.smallestNorm))
    operands[0] = try builder.append(
      norm, [operands[0], try scale(name, &builder)], name: "\(name).q.scaled")
    operands[1] = try builder.append(norm, [operands[1]], name: "\(name).k.normed")
    operands.append(
      try positions.append(name, heads: heads, windows: windows, to: &builder))
    let attention = Attention(
      heads: heads, windows: windows.count, hasBias: true, kinds: windows.kinds)
    let mixed = try builder.append(.attention(attention), operands, name: "\(name).mixed")
    guard let cut else { return mixed }
    return try builder.append(.windowMerge(WindowMerge(cut)), [mixed], name: "\(name).merged")
  }

  /// What the cosines of each head are multiplied by.
  private func scale(_ name: String, _ builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    let stored = try builder.weight("\(name).logit_scale", storedScale)
    let vector = try builder.append(
      .reshape(Reshape([heads])), [stored], name: "\(name).logit_scale.heads")
    return try builder.append(
      .clampedExponential(ClampedExponential(limit: Self.scaleLimit)), [vector],
      name: "\(name).scale")
  }

  func multiplyAdds(dim: Int) -> Int {
    let (rows, area) = (windows.widenedPlaces, windows.window[0] * windows.window[1])
    return rows * dim * (4 * dim + 2 * area) + 2 * windows.places * dim * feedForward.hidden
  }
}
