import Diagnostics

/// What is added to the scores of an attention for the rows, or the columns, of a grid of keys: the
/// product of each query with a learned vector for each distance.
///
/// With `n = grid[axis]` and `p` the row (`axis` 0) or the column (`axis` 1) of query `t` on the
/// grid: `y[t, h * n + i] = sum_d q[t, h * headDim + d] * table[d, n - 1 - p + i]`. Operands:
/// `q: [tokens, heads * headDim]`, the places of one grid after the other;
/// `table: [headDim, 2n - 1]` (`relative_table`). Result: `[tokens, heads * n]`. Attributes:
/// `heads`; `grid`: rows and columns; `axis`.
///
/// - C1: `q` has rank 2 and `heads` divides its columns.
/// - C2: `grid` is two positive extents whose places divide the rows of `q`, and `axis` is 0 or 1.
/// - C3: `table` is f32 and has the columns of a head and `2 * grid[axis] - 1` distances.
///
/// Reference: Li et al. 2021, arXiv:2112.01526, equation 4.
public struct RelativeScores: OpDefinition {
  /// The number of heads.
  public var heads: Int
  /// Rows and columns of the grid.
  public var grid: [Int]
  /// 0: distances of rows; 1: of columns.
  public var axis: Int

  /// Creates the op.
  public init(heads: Int, grid: [Int], axis: Int) {
    self.heads = heads
    self.grid = grid
    self.axis = axis
  }

  static let mnemonic = "relative_scores"
  static let forms = Set(Form.allCases)
  static let operandCounts = 2...2
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    OpFacts(
      inPlace: [], rows: .all, addends: [], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false,
      work: Work(
        flops: 2 * operands[0].count * grid[axis], element: operands[0].element, panels: nil))
  }
  var attributes: Attributes {
    var list = Attributes()
    list.set("heads", .integer(heads))
    list.set("grid", .integers(grid))
    list.set("axis", .integer(axis))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    heads = try attributes.integer("heads")
    grid = try attributes.integers("grid")
    axis = try attributes.integer("axis")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "q", operands[0], 2)
    let q = operands[0].shape
    try require(
      "C1", heads > 0 && q[1] % heads == 0, "q: \(heads) heads do not divide \(operands[0])")
    try require(
      "C2",
      grid.count == 2 && TensorType(.f32, grid).isAllowed && q[0] % (grid[0] * grid[1]) == 0
        && 0...1 ~= axis,
      "grid: expected two extents whose places divide \(q[0]) rows, and an axis of 0 or 1, found "
        + "\(grid) and \(axis)")
    try requireType(
      "C3", "table", operands[1], .f32(q[1] / heads, 2 * grid[axis] - 1))
    return .f32(q[0], heads * grid[axis])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (q, table) = (operands[0], operands[1])
    let (dim, count) = (q.columns / heads, grid[axis])
    var values: [S] = []
    values.reserveCapacity(q.rows * heads * count)
    for token in 0..<q.rows {
      let place = token % (grid[0] * grid[1])
      let position = axis == 0 ? place / grid[1] : place % grid[1]
      for head in 0..<heads {
        for i in 0..<count {
          var sum = 0.0
          for d in 0..<dim {
            sum +=
              Double(q.values[token * q.columns + head * dim + d])
              * Double(table.values[d * table.columns + count - 1 - position + i])
          }
          values.append(S(sum))
        }
      }
    }
    return DenseTensor<S>(shape: [q.rows, heads * count], values: values)
  }
}
