import IR

/// A row of a pair of rows: what ``PairedPanel`` is multiplied by.
///
/// The row's pairs of groups lie between those of the other row, so it begins where its pair does,
/// or one pair of groups behind, and ends in the pair's room of two strides.
struct PairedRow: PreparedRow {
  /// The type of the products, and the elements of the row.
  let operand: ElementType
  let columns: Int
  /// What makes the row's groups; `nil`: the row has them.
  let inner: (any PreparedRow)?

  /// The rows of a pair.
  static let rows = 2
  /// The bytes of a row's pair of groups.
  static let pieceBytes = 8

  private var groups: Int { operand.format.groups(columns) }
  var stride: Int { RowStride.padded(groups) }
  var scaleCount: Int { inner?.scaleCount ?? 0 }
  var scratchBytes: Int { inner.map { $0.stride * 4 + $0.scratchBytes } ?? 0 }

  func place(_ b: Builder, _ row: Value) -> Value { Self.place(b, row, stride: stride) }

  /// How far a row is from the first, in bytes, where rows lie `stride` words apart.
  static func place(_ b: Builder, _ row: Value, stride: Int) -> Value {
    let pair = b.divide(row, b.constant(rows))
    let own = b.remainder(row, b.constant(rows))
    return b.add(
      b.multiply(pair, b.constant(rows * stride * 4)), b.multiply(own, b.constant(pieceBytes)))
  }

  /// Emits it; up to a vector of words after the last group becomes zero, in the row's padding.
  func emit(_ b: Builder, _ address: Value, to target: Value, scales: Value, scratch: Value) {
    if let inner {
      inner.emit(
        b, address, to: scratch, scales: scales,
        scratch: b.offset(scratch, bytes: inner.stride * 4))
    }
    let source = inner == nil ? address : scratch
    let words = b.vector(b.target.lanes, of: b.i32)
    b.visitRow(columns: groups) { bytes, count in
      let groups = b.loadMasked(words, b.offset(source, bytes), count: count, alignment: 4)
      let place = b.offset(target, b.multiply(bytes, b.constant(Self.rows)))
      for piece in 0..<b.target.lanes / 2 {
        b.store(
          b.shuffle(groups, [2 * piece, 2 * piece + 1]),
          b.offset(place, bytes: piece * Self.rows * Self.pieceBytes),
          alignment: Self.pieceBytes)
      }
    }
  }
}
