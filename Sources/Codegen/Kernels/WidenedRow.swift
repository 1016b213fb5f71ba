import IR

/// A row with its elements widened: what ``WidenedPanel`` is multiplied by.
///
/// The parts of a group follow each other, `[groups][parts]` words.
struct WidenedRow: PreparedRow {
  /// The type of the products, and the elements of the row.
  let operand: ElementType
  let columns: Int
  /// What makes the row's groups; `nil`: the row has them.
  let inner: (any PreparedRow)?

  /// The parts of a group, of which there are two wherever operands are widened
  /// (``Target/arrangement(_:)``).
  static let parts = 2

  private var groups: Int { operand.format.groups(columns) }
  var stride: Int { RowStride.padded(groups * Self.parts) }
  var scaleCount: Int { inner?.scaleCount ?? 0 }
  var scratchBytes: Int { inner.map { $0.stride * 4 + $0.scratchBytes } ?? 0 }

  /// Emits it; up to a vector of words after the last group becomes zero, in the row's padding.
  func emit(_ b: Builder, _ address: Value, to target: Value, scales: Value, scratch: Value) {
    if let inner {
      inner.emit(
        b, address, to: scratch, scales: scales,
        scratch: b.offset(scratch, bytes: inner.stride * 4))
    }
    let source = inner == nil ? address : scratch
    let lanes = b.target.lanes
    let words = b.vector(lanes, of: b.i32)
    b.visitRow(columns: groups) { bytes, count in
      let groups = b.loadMasked(words, b.offset(source, bytes), count: count, alignment: 4)
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
}
