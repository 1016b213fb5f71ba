import Diagnostics
import Glibc

/// How a grid's rows and columns become the numbers that angles are made of.
public enum RopeCoordinates: String, Hashable, Sendable, CaseIterable {
  /// `2π (2 (i + 1/2) / extent - 1)`: between -2π and 2π, each axis by its own extent, as DINOv3.
  case centred
  /// `(i + offset) / extent * reference`: indices, those of a grid of the extents `reference`.
  case indexed
}

/// The cosines and sines of a rotary position embedding over a grid.
///
/// `n = dim / 4` angles for the row of a place, then as many for its column, `c / base^(j / n)` for
/// `j = 0 … n - 1`, where `c` is what `coordinates` make of the index; their cosines, then their
/// sines. The first `prefix` rows belong to no place: they turn nothing, or by the angles given.
/// Places are counted row by row. Operand, optional: `angles: [prefix, dim / 2]`. Result:
/// `[prefix + grid[0] * grid[1], dim]`. Attributes: `grid`: rows and columns; `dim`:
/// columns of a head; `base`; `coordinates`; `prefix`, default 0; with indices `reference`, default
/// `grid`, and `offset`, default 0; `columns_first`, default false: angles for the column come
/// first. A constant: it is computed at compile time.
///
/// - C1: `grid` and `reference` are two positive extents each.
/// - C2: `dim` is a positive multiple of 4.
/// - C3: `prefix` is not negative, and `base` is positive.
/// - C4: `angles` is f32 of shape `[prefix, dim / 2]`.
///
/// Reference: Heo et al. 2024, arXiv:2403.13298, section 3.2; timm's `RotaryEmbeddingCat` and
/// `RotaryEmbeddingDinoV3`.
public struct RopeTable: OpDefinition {
  /// Rows and columns of the grid.
  public var grid: [Int]
  /// The columns of a head.
  public var dim: Int
  /// What angles shrink by, from the first to the last.
  public var base: Float
  /// What an index becomes.
  public var coordinates: RopeCoordinates
  /// How many leading rows belong to no place.
  public var prefix: Int
  /// The extents that indices count to.
  public var reference: [Int]
  /// Added to indices.
  public var offset: Float
  /// `true` iff the angles for the column come first.
  public var columnsFirst: Bool

  /// Creates a table.
  public init(
    grid: [Int], dim: Int, base: Float, coordinates: RopeCoordinates, prefix: Int = 0,
    reference: [Int]? = nil, offset: Float = 0, columnsFirst: Bool = false
  ) {
    self.grid = grid
    self.dim = dim
    self.base = base
    self.coordinates = coordinates
    self.prefix = prefix
    self.reference = reference ?? grid
    self.offset = offset
    self.columnsFirst = columnsFirst
  }

  static let mnemonic = "rope_table"
  static let forms = Set(Form.allCases)
  static let operandCounts = 0...1
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("grid", .integers(grid))
    list.set("dim", .integer(dim))
    list.set("base", .number(base))
    list.set("coordinates", .text(coordinates.rawValue))
    if prefix != 0 { list.set("prefix", .integer(prefix)) }
    if reference != grid { list.set("reference", .integers(reference)) }
    if offset != 0 { list.set("offset", .number(offset)) }
    if columnsFirst { list.set("columns_first", .boolean(true)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    grid = try attributes.integers("grid")
    dim = try attributes.integer("dim")
    base = try attributes.number("base")
    coordinates = try attributes.choice("coordinates")
    prefix = try attributes.integer("prefix", default: 0)
    reference =
      attributes.names.contains("reference") ? try attributes.integers("reference") : grid
    offset = try attributes.number("offset", default: 0)
    columnsFirst = try attributes.boolean("columns_first")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try require(
      "C1",
      grid.count == 2 && reference.count == 2 && TensorType(.f32, grid).isAllowed
        && TensorType(.f32, reference).isAllowed,
      "grids: expected two positive extents each, found \(grid) and \(reference)")
    try require("C2", dim > 0 && dim % 4 == 0, "dim: \(dim) is not a positive multiple of 4")
    try require(
      "C3", 0...TensorType.maximumCount ~= prefix && base > 0,
      "prefix: \(prefix) is not a number of rows, or base: \(base) is not positive")
    if let angles = operands.first {
      try requireType("C4", "angles", angles, .f32(prefix, dim / 2))
    }
    return .f32(prefix + grid[0] * grid[1], dim)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    var table = DenseTensor<S>(shape: [prefix + grid[0] * grid[1], dim])
    let count = dim / 4
    for row in 0..<prefix {
      for j in 0..<dim / 2 {
        let angle = operands.isEmpty ? 0 : Double(operands[0].values[row * dim / 2 + j])
        table.values[row * dim + j] = S(Glibc.cos(angle))
        table.values[row * dim + dim / 2 + j] = S(Glibc.sin(angle))
      }
    }
    let frequencies = (0..<count).map { Glibc.pow(Double(base), -Double($0) / Double(count)) }
    let axes = columnsFirst ? [1, 0] : [0, 1]
    for place in 0..<grid[0] * grid[1] {
      let indices = [place / grid[1], place % grid[1]]
      for (position, axis) in axes.enumerated() {
        let coordinate = coordinate(indices[axis], axis: axis)
        for (j, frequency) in frequencies.enumerated() {
          let column = (prefix + place) * dim + position * count + j
          table.values[column] = S(Glibc.cos(coordinate * frequency))
          table.values[column + dim / 2] = S(Glibc.sin(coordinate * frequency))
        }
      }
    }
    return table
  }

  private func coordinate(_ index: Int, axis: Int) -> Double {
    switch coordinates {
    case .centred:
      2 * Double.pi * (2 * (Double(index) + 0.5) / Double(grid[axis]) - 1)
    case .indexed:
      (Double(index) + Double(offset)) / Double(grid[axis]) * Double(reference[axis])
    }
  }
}
