import Diagnostics

/// The distances between the places of a grid.
///
/// `y[i, j] = sqrt((height * (row_i - row_j))^2 + (width * (column_i - column_j))^2)`, where place
/// `i` is in row `i / grid[1]` and column `i % grid[1]`. No operands. Result: `[places, places]`.
/// Attributes: `grid`: rows and columns; `height` and `width` of a place.
///
/// - C1: `grid` is two extents of at least 1.
/// - C2: `height` and `width` are above zero.
public struct DistanceTable: OpDefinition {
  /// Rows and columns.
  public var grid: [Int]
  /// From one row to the next.
  public var height: Float
  /// From one column to the next.
  public var width: Float

  /// Creates the op.
  public init(grid: [Int], height: Float, width: Float) {
    self.grid = grid
    self.height = height
    self.width = width
  }

  static let mnemonic = "distance_table"
  static let forms = Set(Form.allCases)
  static let operandCounts = 0...0
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("grid", .integers(grid))
    list.set("height", .number(height))
    list.set("width", .number(width))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    grid = try attributes.integers("grid")
    height = try attributes.number("height")
    width = try attributes.number("width")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try require(
      "C1", grid.count == 2 && TensorType(.f32, grid).isAllowed,
      "grid: expected two extents of at least 1, found \(grid)")
    try require(
      "C2", height > 0 && width > 0,
      "height and width: expected numbers above 0, found \(height) and \(width)")
    let places = grid[0] * grid[1]
    return .f32(places, places)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let places = grid[0] * grid[1]
    var result = DenseTensor<S>(shape: [places, places])
    for i in 0..<places {
      for j in 0..<places {
        let rows = Double(height) * Double(i / grid[1] - j / grid[1])
        let columns = Double(width) * Double(i % grid[1] - j % grid[1])
        result.values[i * places + j] = S((rows * rows + columns * columns).squareRoot())
      }
    }
    return result
  }
}
