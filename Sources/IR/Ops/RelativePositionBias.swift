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
/// `separation` is subtracted where query and key lie on different sides of that seam. Result:
/// `[windows[0] * windows[1] * heads, tokens, tokens]`, windows row by row.
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
  /// Rows and columns of the grid.
  public var grid: [Int]
  /// Rows and columns of the grid that the table was trained for.
  public var from: [Int]
  /// How the table is resized.
  public var method: RelativeResizeMethod
  /// `true` iff there is a token before the places.
  public var hasPrefix: Bool
  /// Rows and columns of windows where each has its own seams; `nil`: the windows are alike.
  public var windows: [Int]?
  /// What the image has been moved by.
  public var shift: [Int]
  /// What is subtracted across a seam.
  public var separation: Float

  /// Creates the op.
  public init(
    grid: [Int], from: [Int]? = nil, method: RelativeResizeMethod, hasPrefix: Bool = false,
    windows: [Int]? = nil, shift: [Int] = [0, 0], separation: Float = 100
  ) {
    self.grid = grid
    self.from = from ?? grid
    self.method = method
    self.hasPrefix = hasPrefix
    self.windows = windows
    self.shift = shift
    self.separation = separation
  }

  static let mnemonic = "relative_position_bias"
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
    if let windows { list.set("windows", .integers(windows)) }
    if shift != [0, 0] { list.set("shift", .integers(shift)) }
    if separation != 100 { list.set("separation", .number(separation)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    grid = try attributes.integers("grid")
    from = attributes.names.contains("from") ? try attributes.integers("from") : grid
    method = try attributes.choice("method")
    hasPrefix = try attributes.boolean("prefix")
    windows =
      attributes.names.contains("windows") ? try attributes.integers("windows") : nil
    shift = attributes.names.contains("shift") ? try attributes.integers("shift") : [0, 0]
    separation = try attributes.number("separation", default: 100)
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    func isGrid(_ extents: [Int]) -> Bool {
      extents.count == 2 && TensorType(.f32, extents).isAllowed
        && extents.allSatisfy { $0 <= WindowGrid.largestExtent }
    }
    try require(
      "C1", isGrid(grid) && isGrid(from),
      "grids: expected two extents from 1 to 4096 each, found \(grid) and \(from)")
    try requireRank("C2", "table", operands[0], 2)
    let rows = (2 * from[0] - 1) * (2 * from[1] - 1) + (hasPrefix ? 3 : 0)
    try require(
      "C2", operands[0].shape[0] == rows, "table: expected \(rows) rows, found \(operands[0])")
    try require(
      "C3",
      windows.map { isGrid($0) && !hasPrefix } ?? (shift == [0, 0]) && shift.count == 2
        && zip(shift, grid).allSatisfy { 0..<$1 ~= $0 },
      "windows: expected two positive extents and no prefix, and a shift within the grid, found "
        + "\(windows ?? []) and \(shift)")
    let tokens = grid[0] * grid[1] + (hasPrefix ? 1 : 0)
    let count = windows.map { $0[0] * $0[1] } ?? 1
    let (maps, overflow) = count.multipliedReportingOverflow(by: operands[0].shape[1])
    return .f32(overflow ? .max : maps, tokens, tokens)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let table = resized(operands[0])
    let heads = table.columns
    let index = indices
    let (prefix, places) = (hasPrefix ? 1 : 0, grid[0] * grid[1])
    let tokens = places + prefix
    let windows = windows ?? [1, 1]
    var values: [S] = []
    values.reserveCapacity(windows[0] * windows[1] * heads * tokens * tokens)
    for row in 0..<windows[0] {
      for column in 0..<windows[1] {
        // Which side of the window's seams a place lies on.
        let sides = (0..<places).map { place in
          let below = row == windows[0] - 1 && place / grid[1] >= grid[0] - shift[0]
          let right = column == windows[1] - 1 && place % grid[1] >= grid[1] - shift[1]
          return (below ? 2 : 0) + (right ? 1 : 0)
        }
        for head in 0..<heads {
          for query in 0..<tokens {
            for key in 0..<tokens {
              let bias = table.values[index[query * tokens + key] * heads + head]
              let isApart =
                prefix == 0 && sides[query] != sides[key]
              values.append(isApart ? bias - S(separation) : bias)
            }
          }
        }
      }
    }
    return DenseTensor<S>(shape: [windows[0] * windows[1] * heads, tokens, tokens], values: values)
  }

  /// The row of the table for each query and key.
  private var indices: [Int] {
    let (prefix, places) = (hasPrefix ? 1 : 0, grid[0] * grid[1])
    let tokens = places + prefix
    let width = 2 * grid[1] - 1
    let count = (2 * grid[0] - 1) * width
    var result = Array(repeating: 0, count: tokens * tokens)
    for query in 0..<places {
      for key in 0..<places {
        let rows = query / grid[1] - key / grid[1] + grid[0] - 1
        let columns = query % grid[1] - key % grid[1] + grid[1] - 1
        result[(query + prefix) * tokens + key + prefix] = rows * width + columns
      }
    }
    guard hasPrefix else { return result }
    for token in 1..<tokens {
      result[token] = count
      result[token * tokens] = count + 1
    }
    result[0] = count + 2
    return result
  }

  /// The table for the grid.
  private func resized<S: TensorScalar>(_ table: DenseTensor<S>) -> DenseTensor<S> {
    guard from != grid else { return table }
    let heads = table.columns
    let taps = zip(from, grid).map { method.taps(from: $0, to: $1) }
    let (width, oldWidth) = (2 * grid[1] - 1, 2 * from[1] - 1)
    let count = (2 * grid[0] - 1) * width
    var values: [S] = []
    for place in 0..<count {
      for head in 0..<heads {
        var sum = 0.0
        for (row, rowWeight) in taps[0][place / width] {
          for (column, columnWeight) in taps[1][place % width] {
            let value = table.values[(row * oldWidth + column) * heads + head]
            sum += rowWeight * columnWeight * Double(value)
          }
        }
        values.append(S(sum))
      }
    }
    let last = table.values.suffix(hasPrefix ? 3 * heads : 0)
    return DenseTensor<S>(shape: [count + (hasPrefix ? 3 : 0), heads], values: values + last)
  }
}
