import Diagnostics

/// Puts, in each of equal groups of rows, the rows of even index before those of odd index.
///
/// With `n = rows / heads / 2`: `y[h * 2n + j] = x[h * 2n + 2j]` and
/// `y[h * 2n + n + j] = x[h * 2n + 2j + 1]`, for whole rows of a matrix. A rotation of neighbouring
/// columns of queries and keys becomes one of a head's halves (`rope`) when this is done to the
/// weights and biases that make them: products of both stay as they are, since both are permuted
/// alike. Operand: `x: [rows]` or `[rows, columns]`. Attribute: `heads`. Of constants only.
///
/// - C1: `x` is f32 of rank 1 or 2.
/// - C2: `heads` divides the rows into even parts.
///
/// Source: timm's `apply_rot_embed_cat`, without `half`.
public struct Deinterleave: OpDefinition {
  /// The number of groups.
  public var heads: Int

  /// Creates the op.
  public init(heads: Int) { self.heads = heads }

  static let mnemonic = "deinterleave"
  static let forms = Set(Form.allCases)
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
    let x = operands[0]
    try require(
      "C1", x.element == .f32 && (1...2).contains(x.rank),
      "x: expected f32 of rank 1 or 2, found \(x)")
    try require(
      "C2", heads > 0 && x.shape[0] % heads == 0 && x.shape[0] / heads % 2 == 0,
      "x: \(heads) heads do not divide \(x.shape[0]) rows into even parts")
    return x
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    var result = operands[0]
    let rows = result.shape[0]
    let columns = result.values.count / rows
    let width = rows / heads
    for row in 0..<rows {
      let (head, place) = (row / width, row % width)
      let source = head * width + (place < width / 2 ? 2 * place : 2 * (place - width / 2) + 1)
      for column in 0..<columns {
        result.values[row * columns + column] =
          operands[0].values[source * columns + column]
      }
    }
    return result
  }
}
