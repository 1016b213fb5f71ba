/// The right operands of the seven matmuls.
enum StrassenRight {
  case b11, b12, b21, b22
  /// `T1 = B12 - B11`, `T2 = B22 - T1`, `T3 = B22 - B12`, and `T4 = B21 - T2`, the negative of
  /// Winograd's.
  case t1, t2, t3, t4
}

/// Where the right operands of one chunk lie, and how those that are sums are made.
struct StrassenPanels {
  let b: Builder
  /// The left panel, from the chunk's first row on.
  let left: Value
  /// T1...T4.
  let sums: Value
  /// The size of half a chunk of a panel, and of each sum.
  let halfBytes: Int
  /// The bytes from the left panel to the right one.
  let distance: Value

  /// The memory that the sums of one chunk take, half of whose depth is `depth`.
  static func sumBytes(depth: Int) -> Int { 4 * depth * Tile.panelWidth * 4 }

  /// The address of an operand.
  func address(_ operand: StrassenRight) -> Value {
    switch operand {
    case .b11: left
    case .b21: b.offset(left, bytes: halfBytes)
    case .b12: b.offset(left, distance)
    case .b22: b.offset(b.offset(left, distance), bytes: halfBytes)
    // In the order of their use.
    case .t2: sums
    case .t3: b.offset(sums, bytes: halfBytes)
    case .t4: b.offset(sums, bytes: 2 * halfBytes)
    case .t1: b.offset(sums, bytes: 3 * halfBytes)
    }
  }

  /// Returns what makes and stores the vectors of a sum for the first matmul that reads it.
  ///
  /// It is given addresses in B12. T2's makes T1 too, T4's needs T2; `nil`: there is nothing to
  /// make.
  func maker(_ operand: StrassenRight) -> RightOperand? {
    let lanes = b.target.lanes
    let alignment = lanes * 4
    let toLeft = b.subtract(b.constant(0), distance)
    let toSums = b.distance(from: address(.b12), to: sums)
    func load(_ b12: Value, _ bytes: Int) -> Value {
      b.load(b.floats(lanes), b.offset(b12, bytes: bytes), alignment: alignment)
    }
    func place(_ b12: Value, _ bytes: Int, _ number: Int) -> Value {
      b.offset(b.offset(b12, toSums), bytes: bytes + number * halfBytes)
    }
    func stored(_ value: Value, _ place: Value) -> Value {
      b.store(value, place, alignment: alignment)
      return value
    }
    switch operand {
    case .t2:
      return { b12, bytes in
        let t1 = b.subtractFloat(load(b12, bytes), load(b.offset(b12, toLeft), bytes))
        b.store(t1, place(b12, bytes, 3), alignment: alignment)
        return stored(
          b.subtractFloat(load(b12, bytes + halfBytes), t1), place(b12, bytes, 0))
      }
    case .t3:
      return { b12, bytes in
        stored(
          b.subtractFloat(load(b12, bytes + halfBytes), load(b12, bytes)), place(b12, bytes, 1))
      }
    case .t4:
      return { b12, bytes in
        let t2 = b.load(b.floats(lanes), place(b12, bytes, 0), alignment: alignment)
        let b21 = load(b.offset(b12, toLeft), bytes + halfBytes)
        return stored(b.subtractFloat(b21, t2), place(b12, bytes, 2))
      }
    case .t1, .b11, .b12, .b21, .b22: return nil
    }
  }
}
