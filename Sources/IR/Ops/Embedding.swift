import Diagnostics

/// Looks up a row of a table for each token.
///
/// `y[t, d] = table[ids[t], d]`. Operands: `table: [vocabulary, dim]`, `ids: [length]` of `i32`.
/// Nothing is read beyond the table: a token that is negative counts as 0, one that has no row as
/// the last.
///
/// - C1: `table` is f32 of rank 2, of at most 2^24 rows.
/// - C2: `ids` is i32 of rank 1.
///
/// Source: PyTorch's `nn.Embedding`.
public struct Embedding: OpDefinition {
  /// Creates a look-up.
  public init() {}

  static let mnemonic = "embedding"
  static let forms = Set(Form.allCases)
  static let operandCounts = 2...2
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    // Rows of the result are rows of the table, but which ones, the tokens say.
    OpFacts(
      inPlace: [], rows: .all, addends: [0], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false, work: nil)
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {}
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "table", operands[0], 2)
    try require(
      "C1", operands[0].shape[0] <= Input.greatestLimit,
      "table: expected at most \(Input.greatestLimit) rows, found \(operands[0])")
    try require(
      "C2", operands[1].element == .i32 && operands[1].rank == 1,
      "ids: expected i32 of rank 1, found \(operands[1])")
    return .f32(operands[1].shape[0], operands[0].shape[1])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (table, ids) = (operands[0], operands[1])
    let last = S(table.rows - 1)
    var values: [S] = []
    values.reserveCapacity(ids.values.count * table.columns)
    for id in ids.values {
      let start = Int(max(0, min(last, id))) * table.columns
      values += table.values[start..<start + table.columns]
    }
    return DenseTensor<S>(shape: [ids.values.count, table.columns], values: values)
  }
}
