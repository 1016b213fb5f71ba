import Diagnostics

/// What is added to the scores of an attention by the places of query and key relative to each
/// other.
///
/// Places are those of a grid, counted row by row; with `prefix` there is one token before them.
/// `y[h, t, s] = table'[i, h]`, where `i = (dr + rows - 1) * (2 * columns - 1) + dc + columns - 1`
/// for a query `dr` rows below and `dc` columns to the right of the key, and `table'` is `table`
/// resized from the grid `from`. The last three rows of a table with a prefix are not resized: for
/// the first token as query, as key, and as both. Operand: `table: [n, heads]`. Result:
/// `[heads, tokens, tokens]`.
///
/// With `windows`, the grid is one window of so many rows and columns of windows, which cover an
/// image that has been moved up and to the left by `shift`, what leaves it coming back in from the
/// other side: places that were not neighbours share the last windows of a row and of a column, and
/// `separation` is subtracted where query and key lie on different sides of that seam. What is
/// added depends on whether a window is in the last row of windows and on whether it is in the last
/// column, on nothing else. Result: `[min(windows[0], 2) * min(windows[1], 2) * heads, tokens,
/// tokens]`: of the windows inside, then of those in the last column, in the last row, and in both.
///
/// Attributes: `grid`: rows and columns; `from`, default `grid`; `method`, how the table is
/// resized; `prefix`, default false; `windows`, by default none; `shift`, default `[0, 0]`;
/// `separation`, default 100. A function of weights: it is computed at compile time.
///
/// - C1: `grid` and `from` are two extents from 1 to 4096 each.
/// - C2: `table` is f32 and has `(2 * from[0] - 1) * (2 * from[1] - 1)` rows, with a prefix three
///   more.
/// - C3: `windows` are two extents from 1 to 4096, without a prefix; `shift` is less than the grid,
///   and 0 without windows.
///
/// Reference: Bao et al. 2021, arXiv:2106.08254, section 2; windows: Liu et al. 2021,
/// arXiv:2103.14030, section 3.2.
public struct RelativePositionBias: OpDefinition {
  /// The places, and the windows that they are of.
  public var places: RelativePlaces
  /// Rows and columns of the grid that the table was trained for.
  public var from: [Int]
  /// How the table is resized.
  public var method: RelativeResizeMethod

  /// Creates the op.
  public init(
    grid: [Int], from: [Int]? = nil, method: RelativeResizeMethod, hasPrefix: Bool = false,
    windows: [Int]? = nil, shift: [Int] = [0, 0], separation: Float = 100
  ) {
    places = RelativePlaces(
      grid: grid, hasPrefix: hasPrefix, windows: windows, shift: shift, separation: separation)
    self.from = from ?? grid
    self.method = method
  }

  static let mnemonic = "relative_position_bias"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("grid", .integers(places.grid))
    if from != places.grid { list.set("from", .integers(from)) }
    list.set("method", .text(method.rawValue))
    places.set(&list, windows: "windows")
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    let grid = try attributes.integers("grid")
    from = attributes.names.contains("from") ? try attributes.integers("from") : grid
    method = try attributes.choice("method")
    places = try RelativePlaces(grid: grid, &attributes, windows: "windows")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try require(
      "C1", RelativePlaces.isGrid(places.grid) && RelativePlaces.isGrid(from),
      "grids: expected two extents from 1 to 4096 each, found \(places.grid) and \(from)")
    try requireRank("C2", "table", operands[0], 2)
    let rows = RelativePlaces.distances(from) + (places.hasPrefix ? 3 : 0)
    try require(
      "C2", operands[0].shape[0] == rows, "table: expected \(rows) rows, found \(operands[0])")
    if let problem = places.problem { throw violation("C3", problem) }
    let maps = (places.kinds?.count ?? 1) * operands[0].shape[1]
    return .f32(maps, places.tokens, places.tokens)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let table = places.resized(operands[0], from: from, by: method)
    let (heads, tokens) = (table.columns, places.tokens)
    var values: [S] = []
    let count = places.kinds?.count ?? 1
    values.reserveCapacity(count * heads * tokens * tokens)
    for kind in 0..<count {
      let window = places.kinds?.window(of: kind) ?? 0
      values += places.scores(window: window, heads: heads) { table.values[$1 * heads + $0] }
    }
    return DenseTensor<S>(shape: [count * heads, tokens, tokens], values: values)
  }
}
