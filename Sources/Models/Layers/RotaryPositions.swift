import Diagnostics
import IR

/// Positions that turn queries and keys, the same for all blocks and heads: nothing is stored, and
/// nothing resized.
struct RotaryPositions: Hashable, Sendable {
  /// What angles shrink by, from the first to the last.
  var base: Double
  /// What the index of a row or a column becomes.
  var coordinates = RopeCoordinates.centred

  /// The table for a head of this width, over a grid that follows tokens that belong to no place.
  func append(
    grid: [Int], headDim: Int, prefix: Int, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    try builder.append(
      .ropeTable(
        RopeTable(
          grid: grid, dim: headDim, base: Float(base), coordinates: coordinates, prefix: prefix)),
      [], name: "rope")
  }
}
