import IR

/// A row with its elements widened: what ``WidenedPanel`` is multiplied by.
///
/// The parts of a group follow each other, `[groups][parts]` words.
struct WidenedRow: ArrangedRow {
  let operand: ElementType
  let columns: Int
  let inner: (any PreparedRow)?

  /// The parts of a group, of which there are two wherever operands are widened
  /// (``Target/arrangement(_:)``).
  static let parts = 2

  var stride: Int { RowStride.padded(groups * Self.parts) }

  func store(_ b: Builder, _ groups: Value, at bytes: Value, to target: Value) {
    let lanes = b.target.lanes
    let words = b.vector(lanes, of: b.i32)
    let parts = operand.format.left(b, groups).map { b.bitcast($0, to: words) }
    let place = b.offset(target, b.multiply(bytes, b.constant(Self.parts)))
    for half in 0..<Self.parts {
      let first = half * lanes / Self.parts
      let order = (0..<lanes).map { first + $0 / Self.parts + $0 % Self.parts * lanes }
      b.store(
        b.shuffle(parts[0], with: parts[1], order), b.offset(place, bytes: half * lanes * 4),
        alignment: 4)
    }
  }
}
