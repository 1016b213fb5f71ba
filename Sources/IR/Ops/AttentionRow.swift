import Diagnostics

/// One query's row of each head's attention weights, or a part of it.
///
/// `y[h, j] = p[h, row, start + j]`. Operand: `p: [heads, queries, tokens]`. Result:
/// `[heads, count]`. Attributes: `row`; `start`, default 0; `count`.
///
/// - C1: `p` has rank 3.
/// - C2: `row` is one of its queries.
/// - C3: `start..<start + count` is not empty and lies within its tokens.
public struct AttentionRow: OpDefinition {
  /// The query.
  public var row: Int
  /// The first token kept.
  public var start: Int
  /// How many are kept.
  public var count: Int

  /// Creates the op.
  public init(row: Int, start: Int = 0, count: Int) {
    self.row = row
    self.start = start
    self.count = count
  }

  static let mnemonic = "attention_row"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("row", .integer(row))
    if start != 0 { list.set("start", .integer(start)) }
    list.set("count", .integer(count))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    row = try attributes.integer("row")
    start = try attributes.integer("start", default: 0)
    count = try attributes.integer("count")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "p", operands[0], 3)
    let shape = operands[0].shape
    try require(
      "C2", (0..<shape[1]).contains(row), "row: \(row) is not a query of \(operands[0])")
    try require(
      "C3", start >= 0 && count > 0 && count <= shape[2] && start <= shape[2] - count,
      "range: \(count) from \(start) is not within the tokens of \(operands[0])")
    return .f32(shape[0], count)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let p = operands[0]
    var values: [S] = []
    values.reserveCapacity(p.shape[0] * count)
    for head in 0..<p.shape[0] {
      let first = (head * p.shape[1] + row) * p.shape[2] + start
      values += p.values[first..<first + count]
    }
    return DenseTensor<S>(shape: [p.shape[0], count], values: values)
  }
}
