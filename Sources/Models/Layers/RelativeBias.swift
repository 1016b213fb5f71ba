import Diagnostics
import IR

/// What is added to the scores of attention by the places of query and key relative to each other,
/// from learned tables.
struct RelativeBias: Hashable, Sendable {
  /// Where the tables are.
  enum Tables: Hashable, Sendable {
    /// Each block has its own.
    case each
    /// One is for all blocks.
    case shared
    /// Both, which are added.
    case both
  }

  /// The canonical name of the table for all blocks.
  static let sharedName = "rel_pos_bias.relative_position_bias_table"

  /// Where the tables are.
  var tables: Tables
  /// The stored grid: rows, then columns.
  var stored: [Int]
  /// The grid of the image.
  var grid: [Int]
  /// How the tables are resized.
  var method: RelativeResizeMethod

  /// The canonical name of the table of a block's attention.
  static func name(of attention: String) -> String {
    "\(attention).relative_position_bias_table"
  }

  /// The number of rows of a table for a grid and a token before it.
  static func rows(_ grid: [Int]) -> Int { (2 * grid[0] - 1) * (2 * grid[1] - 1) + 3 }

  /// The grid, a square, of a table of so many rows; `nil`: it is for none.
  static func square(rows: Int) -> [Int]? {
    let width = Int(Double(max(rows - 3, 0)).squareRoot().rounded())
    let side = (width + 1) / 2
    return width % 2 == 1 && self.rows([side, side]) == rows ? [side, side] : nil
  }

  /// What is added in the attention of this name.
  func append(
    _ attention: String, heads: Int, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    switch tables {
    case .each: return try bias(Self.name(of: attention), heads, &builder)
    case .shared: return try bias(Self.sharedName, heads, &builder)
    case .both:
      return try builder.sum(
        try bias(Self.name(of: attention), heads, &builder),
        try bias(Self.sharedName, heads, &builder), name: "\(attention).bias")
    }
  }

  /// transformers takes the rows of a stored grid for its columns, and resizes what it then is:
  /// of a square nothing is seen of it.
  private func bias(
    _ name: String, _ heads: Int, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let table = try builder.weight(name, [Self.rows(stored), heads])
    let from = method == .bilinear ? stored.reversed() : stored
    return try builder.once(
      .relativePositionBias(
        RelativePositionBias(grid: grid, from: from, method: method, hasPrefix: true)), [table],
      name: "\(name).bias")
  }
}
