/// The softmax of one row over a block of its columns, without the division: `b^(scale * x - max)`,
/// where the maximum is that of the blocks so far.
///
/// The state of a row is a vector of sums, which ``sum(_:_:)`` adds up, and the maximum. A later
/// block that raises the maximum scales the state and the row's sums of values.
struct SoftmaxBlock: Kernel {
  enum Parameter: KernelParameter {
    /// The row, which becomes its powers, its state, and its sums of values.
    case row, state, sums
    var isUnaliased: Bool { true }
  }

  /// The columns of the block.
  var columns: Int
  var exponents = SoftmaxExponents()
  /// The number of the row's sums of values; `nil`: the block is the first, and there are none.
  var sums: Int?

  /// The memory of a row's state.
  static func stateBytes(_ target: Target) -> Int { target.lanes * 4 + 64 }

  private static func maximumPlace(_ b: Builder, _ state: Value) -> Value {
    b.offset(state, bytes: b.target.lanes * 4)
  }
  /// Emits the maximum of a row, or what takes its place.
  static func maximum(_ b: Builder, _ state: Value) -> Value {
    b.load(b.f32, maximumPlace(b, state))
  }
  /// Emits the store of a row's maximum.
  static func storeMaximum(_ b: Builder, _ maximum: Value, _ state: Value) {
    b.store(maximum, maximumPlace(b, state))
  }

  /// Emits the sum of a row.
  static func sum(_ b: Builder, _ state: Value) -> Value {
    b.total([b.load(b.floats(b.target.lanes), state)])
  }

  var title: String { "softmax_block_\(columns)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let (row, state) = (p[.row], p[.state])
    let lanes = b.target.lanes
    var maximum = exponents.maximum(b, row, columns: columns)
    var earlier = b.floats(0, lanes)
    if let sums {
      let before = Self.maximum(b, state)
      maximum = b.maximumFloat(before, maximum)
      let factor = b.splat(b.exp2OfNegative(b.subtractFloat(before, maximum)), lanes)
      earlier = b.multiplyFloat(b.load(b.floats(lanes), state), factor)
      b.visitRow(columns: sums) { bytes, count in
        let address = b.offset(p[.sums], bytes)
        b.storeFloats(
          b.multiplyFloat(b.loadFloats(address, lanes, count: count), factor), address,
          count: count)
      }
    }
    Self.storeMaximum(b, maximum, state)
    let parts = exponents.powers(
      b, of: row, below: b.splat(maximum, lanes), to: row, columns: columns)
    b.store(b.addFloat(earlier, b.pairwise(parts, b.addFloat)), state)
  }
}
