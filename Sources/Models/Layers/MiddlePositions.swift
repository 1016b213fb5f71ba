import Diagnostics
import IR

/// Positions of all tokens that are added between blocks, a table for each, resized as the first
/// positions are.
///
/// Source: `InterpolateMidPositionEmbeddings` of transformers 5.
struct MiddlePositions: Hashable, Sendable {
  /// The canonical name of the stored tables: `[depth - 1, 1, rows, D]`.
  static let name = "mid_pos_embed"

  /// The form that each of the tables has.
  var table: PositionTable
  /// The number of blocks.
  var depth: Int

  /// What a block gives, its positions added.
  func append(
    _ x: Value, afterBlock index: Int, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(x).shape[1]
    let (rows, name) = (table.rows, Self.name)
    let stored = try builder.weight(name, [depth - 1, 1, rows, dim])
    let all = try builder.once(
      .reshape(Reshape([(depth - 1) * rows, dim])), [stored], name: "\(name).rows")
    let own = try builder.rows(
      all, from: index * rows, count: rows, name: "\(name).\(index)")
    let positions = try table.resized(own, "\(name).\(index)", &builder)
    return try builder.sum(x, positions, name: "\(name).\(index).add")
  }
}
