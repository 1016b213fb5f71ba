import Diagnostics

/// Copies each square patch of an image into a row.
///
/// `y[i * gridWidth + j, (c * patch + u) * patch + v] = x[c, i*patch + u, j*patch + v]`
///
/// Operand: `x: [channels, height, width]`. Result: `[patches, channels * patch * patch]`. Pixels
/// beyond the last whole patch are left out.
///
/// - C1: `x` has rank 3 and is at least one patch high and wide.
public struct ExtractPatches: OpDefinition {
  /// The side of a patch, in pixels.
  public var patch: Int

  /// Creates the op.
  public init(patch: Int) { self.patch = patch }

  static let mnemonic = "extract_patches"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("patch", .integer(patch))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    patch = try attributes.integer("patch")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "x", operands[0], 3)
    let x = operands[0].shape
    try require(
      "C1", patch > 0 && x[1] >= patch && x[2] >= patch,
      "x: \(operands[0]) holds no patch of \(patch)x\(patch)")
    return .f32((x[1] / patch) * (x[2] / patch), x[0] * patch * patch)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let x = operands[0]
    let (channels, height, width) = (x.shape[0], x.shape[1], x.shape[2])
    let (gridHeight, gridWidth) = (height / patch, width / patch)
    var values: [S] = []
    values.reserveCapacity(gridHeight * gridWidth * channels * patch * patch)
    for i in 0..<gridHeight {
      for j in 0..<gridWidth {
        for c in 0..<channels {
          for u in 0..<patch {
            let start = (c * height + i * patch + u) * width + j * patch
            values += x.values[start..<start + patch]
          }
        }
      }
    }
    return DenseTensor<S>(
      shape: [gridHeight * gridWidth, channels * patch * patch], values: values)
  }
}
