import Diagnostics
import Glibc

/// The cosines and sines of a rotary position embedding over a grid whose frequencies are learned,
/// for each head its own.
///
/// With `n` frequencies of each head, the angle `j` of head `h` at a place is
/// `column * x[0, block, h, j] + row * x[1, block, h, j]`; a head's columns of the result are the
/// cosines of its angles, then their sines. The first `prefix` rows turn nothing: they belong to no
/// place. Places are counted row by row. Operand: `x: [2, blocks, heads, n]`. Result:
/// `[prefix + grid[0] * grid[1], heads * 2n]`. Attributes: `grid`: rows and columns; `block`, from
/// 0; `prefix`, default 0. Of constants only.
///
/// - C1: `grid` is two positive extents, and `prefix` is not negative.
/// - C2: `x` is f32 of shape `[2, blocks, heads, n]`, and `block` is one of its blocks.
///
/// Reference: Heo et al. 2024, arXiv:2403.13298, section 3.3; timm's `RotaryEmbeddingMixed`.
public struct LearnedRopeTable: OpDefinition {
  /// Rows and columns of the grid.
  public var grid: [Int]
  /// Whose frequencies, of those of all blocks.
  public var block: Int
  /// How many leading rows belong to no place.
  public var prefix: Int

  /// Creates a table.
  public init(grid: [Int], block: Int, prefix: Int = 0) {
    self.grid = grid
    self.block = block
    self.prefix = prefix
  }

  static let mnemonic = "learned_rope_table"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("grid", .integers(grid))
    list.set("block", .integer(block))
    if prefix != 0 { list.set("prefix", .integer(prefix)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    grid = try attributes.integers("grid")
    block = try attributes.integer("block")
    prefix = try attributes.integer("prefix", default: 0)
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try require(
      "C1",
      grid.count == 2 && TensorType(.f32, grid).isAllowed
        && 0...TensorType.maximumCount ~= prefix,
      "grid: expected two positive extents, found \(grid), or prefix: \(prefix) is not a number "
        + "of rows")
    let x = operands[0]
    try require(
      "C2",
      x.element == .f32 && x.rank == 4 && x.shape[0] == 2 && (0..<x.shape[1]).contains(block),
      "x: expected f32 of shape [2, blocks, heads, n] with block \(block), found \(x)")
    return .f32(prefix + grid[0] * grid[1], 2 * x.shape[2] * x.shape[3])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let shape = operands[0].shape
    let (blocks, heads, count) = (shape[1], shape[2], shape[3])
    let columns = 2 * heads * count
    var table = DenseTensor<S>(shape: [prefix + grid[0] * grid[1], columns])
    for row in 0..<prefix {
      for head in 0..<heads {
        for j in 0..<count { table.values[row * columns + head * 2 * count + j] = 1 }
      }
    }
    func frequency(_ axis: Int, _ head: Int, _ j: Int) -> Double {
      Double(operands[0].values[((axis * blocks + block) * heads + head) * count + j])
    }
    for place in 0..<grid[0] * grid[1] {
      let (row, column) = (Double(place / grid[1]), Double(place % grid[1]))
      for head in 0..<heads {
        let first = (prefix + place) * columns + head * 2 * count
        for j in 0..<count {
          let angle = column * frequency(0, head, j) + row * frequency(1, head, j)
          table.values[first + j] = S(Glibc.cos(angle))
          table.values[first + count + j] = S(Glibc.sin(angle))
        }
      }
    }
    return table
  }
}
