import Diagnostics
import IR

/// Sines and cosines of the positions of patches, added to them: of the column, then of the row.
///
/// With `n = dim / 4` and the angles `index / 10000^(j / n)` for `j = 0 … n - 1`: `n` sines and as
/// many cosines for the column, then for the row.
///
/// Source: `build_2d_sinusoidal_position_embedding` of transformers, as AIMv2 turns it.
struct WavePositions: Hashable, Sendable {
  /// Rows and columns.
  var grid: [Int]

  func append(_ patches: Value, to builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    let dim = builder.type(patches).shape[1]
    // The cosines of columns and rows, then the sines.
    let table = try builder.append(
      .ropeTable(
        RopeTable(
          grid: grid, dim: dim, base: 10000, coordinates: .indexed, columnsFirst: true)),
      [], name: "positions.table")
    var parts: [Value] = []
    for (name, quarter) in [("x.sin", 2), ("x.cos", 0), ("y.sin", 3), ("y.cos", 1)] {
      parts.append(
        try builder.append(
          .slice(Slice(axis: 1, start: quarter * dim / 4, count: dim / 4)), [table],
          name: "positions.\(name)"))
    }
    let positions = try builder.append(
      .concatenate(Concatenate(axis: 1)), parts, name: "positions")
    return try builder.sum(patches, positions, name: "positions.add")
  }
}
