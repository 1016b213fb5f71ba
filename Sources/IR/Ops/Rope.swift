import Diagnostics
import Glibc

/// Turns pairs of columns of each head by the angles of its row (rotary position embedding).
///
/// With `n = headDim / 2` and, for head `h`, the columns `a_j = x[t, h * headDim + j]` and
/// `b_j = x[t, h * headDim + n + j]`: `a'_j = a_j cos - b_j sin`, `b'_j = b_j cos + a_j sin`, where
/// `cos = table[t, j]` and `sin = table[t, n + j]`; of a table for each head, in its columns.
/// Operands: `x: [tokens, heads * headDim]`, of f32 or bf16, which the result then is too;
/// `table: [tokens, headDim]` or `[tokens, heads * headDim]`, of f32. Attribute: `heads`.
///
/// - C1: `x` has rank 2, and `heads` divides its columns into even parts.
/// - C2: `table` is f32, has the rows of `x`, and the columns of a head or of all.
///
/// Reference: Su et al. 2021, arXiv:2104.09864, section 3.4.2.
public struct Rope: OpDefinition {
  /// The number of heads.
  public var heads: Int

  /// Creates a rotation.
  public init(heads: Int) { self.heads = heads }

  static let mnemonic = "rope"
  static let forms = Set(Form.allCases)
  static let operandCounts = 2...2
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    // Of bf16 only `x` may be, the table stays f32: `use-bf16` knows the operation by name.
    OpFacts(
      inPlace: [0], rows: .same([0, 1]), addends: [], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false, work: nil)
  }
  var attributes: Attributes {
    var list = Attributes()
    list.set("heads", .integer(heads))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    heads = try attributes.integer("heads")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireFloats("C1", "x", operands[0], 2)
    let columns = operands[0].shape[1]
    try require(
      "C1", heads > 0 && columns % heads == 0 && columns / heads % 2 == 0,
      "x: \(heads) heads do not divide \(operands[0]) into even parts")
    try requireRank("C2", "table", operands[1], 2)
    let widths = [columns / heads, columns]
    try require(
      "C2",
      operands[1].shape[0] == operands[0].shape[0] && widths.contains(operands[1].shape[1]),
      "table: expected \(operands[0].shape[0]) rows of \(widths[0]) or \(widths[1]), found "
        + "\(operands[1])")
    return operands[0]
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (x, table) = (operands[0], operands[1])
    var result = x
    let (width, columns) = (x.columns / heads, x.columns)
    for row in 0..<x.shape[0] {
      for head in 0..<heads {
        let first = row * columns + head * width
        let angles = row * table.columns + (table.columns == columns ? head * width : 0)
        for j in 0..<width / 2 {
          let (a, b) = (Double(x.values[first + j]), Double(x.values[first + width / 2 + j]))
          let cosine = Double(table.values[angles + j])
          let sine = Double(table.values[angles + width / 2 + j])
          result.values[first + j] = S(a * cosine - b * sine)
          result.values[first + width / 2 + j] = S(b * cosine + a * sine)
        }
      }
    }
    return result
  }
}
