import Diagnostics
import IR

/// Positions that turn queries and keys; nothing of them is resized.
struct RotaryPositions: Hashable, Sendable {
  /// Where the angles come from.
  enum Angles: Hashable, Sendable {
    /// Powers of the base, the same for all blocks and heads: nothing is stored.
    case powers
    /// The same; the class token turns by stored angles of its own.
    case powersAndClassToken
    /// Learned frequencies of each block and head.
    case learned
  }

  /// What angles shrink by, from the first to the last.
  var base: Double
  /// What the index of a row or a column becomes.
  var coordinates = RopeCoordinates.centred
  /// Where the angles come from.
  var angles = Angles.powers
  /// The grid whose indices those of any other are stretched to, rows and then columns; `nil`: the
  /// image's.
  var reference: [Int]?
  /// Added to indices.
  var offset = 0.0
  /// `true` iff the angles for columns come before those for rows.
  var columnsFirst = false
  /// `true` iff neighbouring columns of a head are turned, not those of its halves.
  var turnsNeighbours = false

  /// The canonical name of learned frequencies.
  static let frequencies = "rope.freqs"
  /// The canonical name of the class token's angles.
  static let classAngles = "class_pos_emb"

  /// The tables for each block of heads of a width, over a grid that follows tokens that belong to
  /// no place.
  func append(
    grid: [Int], depth: Int, heads: Int, headDim: Int, prefix: Int, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> [Value] {
    if angles == .learned {
      let stored = try builder.weight(Self.frequencies, [2, depth, heads, headDim / 2])
      return try (0..<depth).map { (block) throws(Diagnostic) in
        try builder.append(
          .learnedRopeTable(LearnedRopeTable(grid: grid, block: block, prefix: prefix)),
          [stored], name: "rope.\(block)")
      }
    }
    var operands: [Value] = []
    if angles == .powersAndClassToken {
      operands.append(try builder.weight(Self.classAngles, [prefix, headDim / 2]))
    }
    let table = try builder.append(
      .ropeTable(
        RopeTable(
          grid: grid, dim: headDim, base: Float(base), coordinates: coordinates, prefix: prefix,
          reference: reference, offset: Float(offset), columnsFirst: columnsFirst)),
      operands, name: "rope")
    return Array(repeating: table, count: depth)
  }
}
