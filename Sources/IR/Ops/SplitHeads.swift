import Diagnostics

/// Gives each head its own matrix.
///
/// `y[h, t, d] = x[t, h * headDim + d]`. Operand: `x: [tokens, heads * headDim]`.
/// Result: `[heads, tokens, headDim]`. Attribute: `heads`.
///
/// - C1: `x` has rank 2 and `heads` divides its columns.
public struct SplitHeads: OpDefinition {
  /// The number of heads.
  public var heads: Int

  /// Creates the op.
  public init(heads: Int) { self.heads = heads }

  static let mnemonic = "split_heads"
  static let forms: Set<Form> = [.imported]
  static let operandCounts = 1...1
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("heads", .integer(heads))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    heads = try attributes.integer("heads")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "x", operands[0], 2)
    let x = operands[0].shape
    try require(
      "C1", heads > 0 && x[1] % heads == 0, "x: \(heads) heads do not divide \(operands[0])")
    return .f32(heads, x[0], x[1] / heads)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (tokens, dim) = (operands[0].rows, operands[0].columns)
    var values: [S] = []
    values.reserveCapacity(tokens * dim)
    for h in 0..<heads {
      for t in 0..<tokens {
        let start = t * dim + h * (dim / heads)
        values += operands[0].values[start..<start + dim / heads]
      }
    }
    return DenseTensor<S>(shape: [heads, tokens, dim / heads], values: values)
  }
}
