/// A register tile's place in the four quarters of the result of ``StrassenKernel``.
struct StrassenResults {
  private let b: Builder
  private let sums: Value
  private let quarterStride: Int
  /// All ones iff the place holds earlier chunks' sums already, else zero; `nil`: it never does.
  private let mask: Value?

  /// - Parameters:
  ///   - sums: The tile's first row in the first quarter; rows are a panel's width apart.
  ///   - quarterStride: Elements from one quarter to the next.
  ///   - isLater: -1 iff the place holds earlier chunks' sums already, else 0; `nil`: never.
  init(_ b: Builder, _ sums: Value, quarterStride: Int, isLater: Value?) {
    (self.b, self.sums, self.quarterStride) = (b, sums, quarterStride)
    mask = isLater.map { b.splat($0, b.target.lanes) }
  }

  /// Emits the addition of a tile's sums, row by row, to what a quarter holds.
  func add(_ sums: [Value], to quarter: StrassenQuarter) {
    let (lanes, vectors) = (b.target.lanes, b.target.tileVectors)
    for (index, sum) in sums.enumerated() {
      let (row, vector) = (index / vectors, index % vectors)
      let element = quarter.rawValue * quarterStride + row * Tile.panelWidth + vector * lanes
      let address = b.offset(self.sums, bytes: element * 4)
      let before = mask.map { mask in
        let bits = b.load(b.vector(lanes, of: b.i32), address, alignment: lanes * 4)
        return b.bitcast(b.and(bits, mask), to: b.floats(lanes))
      }
      b.store(before.map { b.addFloat($0, sum) } ?? sum, address, alignment: lanes * 4)
    }
  }
}
