import IR

/// A row of a pair of rows: what ``PairedPanel`` is multiplied by.
///
/// The row's pairs of groups lie between those of the other row, so it begins where its pair does,
/// or one pair of groups behind, and ends in the pair's room of two strides.
struct PairedRow: ArrangedRow {
  let operand: ElementType
  let columns: Int
  let inner: (any PreparedRow)?

  /// The rows of a pair.
  static let rows = 2
  /// The bytes of a row's pair of groups.
  static let pieceBytes = 8

  var stride: Int { RowStride.padded(groups) }

  func place(_ b: Builder, _ row: Value) -> Value { Self.place(b, row, stride: stride) }

  /// How far a row is from the first, in bytes, where rows lie `stride` words apart.
  static func place(_ b: Builder, _ row: Value, stride: Int) -> Value {
    let pair = b.divide(row, b.constant(rows))
    let own = b.remainder(row, b.constant(rows))
    return b.add(
      b.multiply(pair, b.constant(rows * stride * 4)), b.multiply(own, b.constant(pieceBytes)))
  }

  func store(_ b: Builder, _ groups: Value, at bytes: Value, to target: Value) {
    let place = b.offset(target, b.multiply(bytes, b.constant(Self.rows)))
    for piece in 0..<b.target.lanes / 2 {
      b.store(
        b.shuffle(groups, [2 * piece, 2 * piece + 1]),
        b.offset(place, bytes: piece * Self.rows * Self.pieceBytes), alignment: Self.pieceBytes)
    }
  }
}
