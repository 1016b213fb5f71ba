import IR

/// What holds the sums of a tile of vectors, and multiplies: everything about a matmul that depends
/// on how a target computes it.
///
/// Sums are handed in and out as vectors, row by row, and as often as the kernel has accumulators
/// for each; what holds them in between, in the loop over the depth, is the kernel's own choice.
/// ``VectorMicroKernel`` keeps them in vector registers. A matrix unit, whose sums are in vectors
/// at no time, has a block of its own (``AMXBlock``).
protocol MicroKernel {
  /// What is multiplied.
  var format: any NumberFormat { get }
  /// The steps of the depth, in groups, of one round of the loop.
  var unroll: Int { get }
  /// The vectors of sums.
  var sumCount: Int { get }

  /// Emits the values that the loop carries, which hold these sums.
  func accumulators(_ b: Builder, holding sums: [Value]) -> [Value]
  /// Emits `count` consecutive steps of the depth, from the addresses of their first.
  ///
  /// `right` makes the vectors of the right operand, once each; `nil`: they are loaded.
  func steps(
    _ b: Builder, _ count: Int, a: Value, panel: Value, onto accumulators: inout [Value],
    right: RightOperand?)
  /// Emits the sums that these values hold.
  func sums(_ b: Builder, in accumulators: [Value]) -> [Value]
  /// Emits the sums of all accumulators: a vector for each row and vector of the tile.
  func total(_ b: Builder, _ sums: [Value]) -> [Value]
}

/// Where a row of the right operand comes from: the vector `bytes` after the panel's address.
typealias RightOperand = (_ panel: Value, _ bytes: Int) -> Value

extension Tile {
  /// The kernel that multiplies this tile on a target.
  func microKernel(on target: Target) -> any MicroKernel {
    let format = operandType.format
    if arrangement == .paired {
      guard let pairs = format as? any PairFormat, accumulators == 1 else {
        preconditionFailure("no pairs of \(operandType) are multiplied: \(title)")
      }
      return PairMicroKernel(
        pairs: pairs, pairOffsets: stride(from: 0, to: rows, by: 2).map(rowOffset), rows: rows,
        vectors: vectors(target), panelStride: panelStride)
    }
    return VectorMicroKernel(
      format: format, rowOffsets: (0..<rows).map(rowOffset), vectors: vectors(target),
      accumulatorsPerSum: accumulators, isWidened: arrangement == .widened,
      panelStride: panelStride)
  }
}
