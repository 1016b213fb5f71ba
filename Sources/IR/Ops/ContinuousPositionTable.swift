import Diagnostics
import Glibc

/// How the distance of two places along an axis is spaced.
public enum DistanceSpacing: String, Hashable, Sendable, CaseIterable {
  /// `sign(d) log2(1 + 8 |d| / max(from - 1, 1)) / 3`: about 1 from one end of `from` places to the
  /// other.
  case relative
  /// `sign(d) ln(1 + |d|)`.
  case absolute
}

/// What is added to the scores of attention by the places of query and key relative to each other,
/// where a small network makes it of their distances (continuous position bias).
///
/// `table[i, h] = sum_j w2[h, j] * max(w1[j, 0] * s(dr) + w1[j, 1] * s(dc) + b1[j], 0) + b2[h]` for
/// a query `dr` rows below and `dc` columns to the right of the key,
/// `i = (dr + rows - 1) * (2 * columns - 1) + dc + columns - 1`, as `relative_position_bias` reads
/// it; with `limit`, `limit * sigmoid` of that. Operands: `w1: [m, 2]`, `b1: [m]`,
/// `w2: [heads, m]`; optionally `b2: [heads]`. Result:
/// `[(2 * grid[0] - 1) * (2 * grid[1] - 1), heads]`. Attributes: `grid`: rows and columns;
/// `spacing`, what `s` is: `absolute`, or `relative` to the grid `from`, default `grid`; `limit`,
/// by default none. A function of weights: it is computed at compile time.
///
/// - C1: `grid` and `from` are two extents from 1 to 4096 each.
/// - C2: operands are f32 of these shapes.
///
/// Reference: Liu et al. 2021, arXiv:2111.09883, equations 3 and 4.
public struct ContinuousPositionTable: OpDefinition {
  /// Rows and columns of the grid.
  public var grid: [Int]
  /// How distances are spaced.
  public var spacing: DistanceSpacing
  /// Rows and columns of the grid that distances are relative to.
  public var from: [Int]
  /// What the results lie below; `nil`: they are not limited.
  public var limit: Float?

  /// Creates the op.
  public init(grid: [Int], spacing: DistanceSpacing, from: [Int]? = nil, limit: Float? = nil) {
    self.grid = grid
    self.spacing = spacing
    self.from = from ?? grid
    self.limit = limit
  }

  static let mnemonic = "continuous_position_table"
  static let forms = Set(Form.allCases)
  static let operandCounts = 3...4
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("grid", .integers(grid))
    list.set("spacing", .text(spacing.rawValue))
    if from != grid { list.set("from", .integers(from)) }
    if let limit { list.set("limit", .number(limit)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    grid = try attributes.integers("grid")
    spacing = try attributes.choice("spacing")
    from = attributes.names.contains("from") ? try attributes.integers("from") : grid
    limit = attributes.names.contains("limit") ? try attributes.number("limit") : nil
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    for extents in [grid, from] {
      try require(
        "C1",
        extents.count == 2 && extents.allSatisfy { 1...WindowGrid.largestExtent ~= $0 },
        "grids: expected two extents from 1 to 4096 each, found \(grid) and \(from)")
    }
    try requireRank("C2", "b1", operands[1], 1)
    try requireRank("C2", "w2", operands[2], 2)
    let (hidden, heads) = (operands[1].shape[0], operands[2].shape[0])
    try requireType("C2", "w1", operands[0], .f32(hidden, 2))
    try requireType("C2", "w2", operands[2], .f32(heads, hidden))
    if operands.count > 3 { try requireType("C2", "b2", operands[3], .f32(heads)) }
    return .f32((2 * grid[0] - 1) * (2 * grid[1] - 1), heads)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let weights = operands.map { $0.values.map(\.double) }
    let (hidden, heads) = (operands[1].values.count, operands[2].rows)
    let rows = spaced(axis: 0)
    let columns = spaced(axis: 1)
    var values: [S] = []
    values.reserveCapacity(rows.count * columns.count * heads)
    var units = Array(repeating: 0.0, count: hidden)
    for row in rows {
      for column in columns {
        for j in 0..<hidden {
          let sum = weights[0][2 * j] * row + weights[0][2 * j + 1] * column + weights[1][j]
          units[j] = max(sum, 0)
        }
        for head in 0..<heads {
          var sum = weights.count > 3 ? weights[3][head] : 0
          for j in 0..<hidden { sum += weights[2][head * hidden + j] * units[j] }
          values.append(S(limit.map { Double($0) / (1 + Glibc.exp(-sum)) } ?? sum))
        }
      }
    }
    return DenseTensor<S>(shape: [rows.count * columns.count, heads], values: values)
  }

  /// What the distances along an axis become, the most negative one first.
  private func spaced(axis: Int) -> [Double] {
    let last = grid[axis] - 1
    return (-last...last).map { distance in
      let size = Double(abs(distance))
      let spaced =
        switch spacing {
        case .relative: Glibc.log2(1 + 8 * size / Double(max(from[axis] - 1, 1))) / 3
        case .absolute: Glibc.log(1 + size)
        }
      return distance < 0 ? -spaced : spaced
    }
  }
}
