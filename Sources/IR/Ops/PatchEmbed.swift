import Diagnostics

/// Cuts an image into square patches and projects each to one token.
///
/// `y[i * gridWidth + j, d] = bias[d] + sum_{c,u,v} weight[d, c, u, v] * x[c, i', j']`, where
/// `i' = i * patch + u` and `j' = j * patch + v`.
///
/// A convolution whose stride is its kernel size; rows and columns of pixels that do not fill a
/// patch are left out. Operands: `x: [channels, height, width]`,
/// `weight: [dim, channels, patch, patch]`, optionally `bias: [dim]`. Result: `[patches, dim]`,
/// row-major over the grid.
///
/// - C1: `x` has rank 3 and is at least one patch high and wide.
/// - C2: `weight` has rank 4, the channels of `x`, and a square kernel.
/// - C3: `bias` has shape `[dim]`.
///
/// Reference: Dosovitskiy et al. 2020, arXiv:2010.11929, equation 1.
public struct PatchEmbed: OpDefinition {
  /// Creates a patch embedding.
  public init() {}

  static let mnemonic = "patch_embed"
  static let forms: Set<Form> = [.imported]
  static let operandCounts = 2...3
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts {
    let patch = operands[1].shape[2]
    let patches = (operands[0].shape[1] / patch) * (operands[0].shape[2] / patch)
    return OpFacts(
      inPlace: [], rows: .all, addends: [], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false,
      work: Work(flops: 2 * patches * operands[1].count, element: operands[1].element, panels: nil))
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {}
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "x", operands[0], 3)
    try requireRank("C2", "weight", operands[1], 4)
    let (x, weight) = (operands[0].shape, operands[1].shape)
    try require(
      "C2", weight[1] == x[0] && weight[2] == weight[3] && weight[2] > 0,
      "weight: expected [_,\(x[0]),patch,patch], found \(operands[1])")
    let patch = weight[2]
    try require(
      "C1", x[1] >= patch && x[2] >= patch,
      "x: \(operands[0]) holds no patch of \(patch)x\(patch)")
    if operands.count > 2 {
      try requireType("C3", "bias", operands[2], .f32(weight[0]))
    }
    return .f32((x[1] / patch) * (x[2] / patch), weight[0])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let weight = operands[1]
    let patches = ExtractPatches(patch: weight.shape[2]).evaluate([operands[0]])
    let rows = DenseTensor<S>(
      shape: [weight.shape[0], weight.values.count / weight.shape[0]], values: weight.values)
    return Linear().evaluate([patches, rows] + operands.dropFirst(2))
  }
}
