import Diagnostics

/// The numbers that an attention adds to its scores by the places of query and key relative to each
/// other, in the order in which it reads them.
///
/// `y[h, i] = table'[n - 1 - i, h]` for the `n = (2 * grid[0] - 1) * (2 * grid[1] - 1)` distances,
/// so that the keys of a row of the grid follow each other, where `table'` is `table` resized from
/// the grid `from`, as `relative_position_bias` of the same attributes reads it; with `prefix`,
/// `y[h, n + j] = table[n' + j, h]` for the three rows after the `n'` of `from`. Operand:
/// `table: [n', heads]`, with a prefix three rows more. Result: `[heads, n]`, or `[heads, n + 3]`.
/// Attributes: `grid`: rows and columns; `from`, default `grid`; `method`, how the table is
/// resized; `prefix`, default false. A function of weights: it is computed at compile time.
///
/// - C1: `grid` and `from` are two extents from 1 to 4096 each.
/// - C2: `table` is f32 and has `(2 * from[0] - 1) * (2 * from[1] - 1)` rows, with a prefix three
///   more.
///
/// Reference: Bao et al. 2021, arXiv:2106.08254, section 2.
public struct RelativeBiasTable: OpDefinition {
  /// Rows and columns of the grid.
  public var grid: [Int]
  /// Rows and columns of the grid that the table was trained for.
  public var from: [Int]
  /// How the table is resized.
  public var method: RelativeResizeMethod
  /// `true` iff there is a token before the places.
  public var hasPrefix: Bool

  /// Creates the op.
  public init(
    grid: [Int], from: [Int]? = nil, method: RelativeResizeMethod, hasPrefix: Bool = false
  ) {
    self.grid = grid
    self.from = from ?? grid
    self.method = method
    self.hasPrefix = hasPrefix
  }

  static let mnemonic = "relative_bias_table"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("grid", .integers(grid))
    if from != grid { list.set("from", .integers(from)) }
    list.set("method", .text(method.rawValue))
    if hasPrefix { list.set("prefix", .boolean(true)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    grid = try attributes.integers("grid")
    from = attributes.names.contains("from") ? try attributes.integers("from") : grid
    method = try attributes.choice("method")
    hasPrefix = try attributes.boolean("prefix")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try require(
      "C1", RelativePlaces.isGrid(grid) && RelativePlaces.isGrid(from),
      "grids: expected two extents from 1 to 4096 each, found \(grid) and \(from)")
    try requireRank("C2", "table", operands[0], 2)
    let rows = RelativePlaces.distances(from) + (hasPrefix ? 3 : 0)
    try require(
      "C2", operands[0].shape[0] == rows, "table: expected \(rows) rows, found \(operands[0])")
    return .f32(operands[0].shape[1], places.tableCount)
  }
  private var places: RelativePlaces { RelativePlaces(grid: grid, hasPrefix: hasPrefix) }

  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let table = places.resized(operands[0], from: from, by: method)
    let (heads, count) = (table.columns, RelativePlaces.distances(grid))
    return DenseTensor<S>(shape: [heads, table.rows]) { y in
      for head in 0..<heads {
        for index in 0..<table.rows {
          let row = index < count ? count - 1 - index : index
          y[head * table.rows + index] = table.values[row * heads + head]
        }
      }
    }
  }
}
