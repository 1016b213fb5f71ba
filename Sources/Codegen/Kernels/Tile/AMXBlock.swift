import IR

/// A block of a matmul by AMX: one tile of rows, or two, by the columns of a panel.
///
/// `A` and the panel are those of a ``Tile`` of vectors: a row of 16 groups of `A` is a row of a
/// left tile, 16 rows of the panel are a right one. The sums go to the stack, then the epilogue
/// goes over them row by row, with the operations of the tiles of vectors. Rows that are no whole
/// tile are multiplied with some before them, which come out the same again: the second tile of a
/// pair begins as many rows after the first as are to be added, and nothing is read past the last
/// row.
///
/// Cost on 32 rows and columns, for 16 groups of the depth: four loads of tiles, 8 cycles each, and
/// four products, 16 cycles each (Intel's optimization manual, volume 1, chapter on AMX).
struct AMXBlock: Kernel {
  enum Parameter: KernelParameter {
    /// `A`, a panel of `B`, `C`.
    case a, panel, c
    /// Of the columns, of the elements and of the rows; what the epilogue does not ask for is not
    /// read.
    case bias, residual, scales
    /// What is prefetched, and how many bytes further in each round.
    case ahead, step
    /// How many rows after the first tile of a pair the second begins, 1...16.
    case second
    var type: ParameterType { self == .step || self == .second ? .index : .address }
    var isUnaliased: Bool { self == .panel }
  }

  /// The rows of a tile: 1...16.
  var rows: Int
  /// `true` iff there are two tiles of rows.
  var isPair: Bool
  /// The columns stored: 1...32.
  var columns: Int
  /// The length of each sum, in groups.
  var depth: Int
  /// Groups from one row to the next of A, elements from one to the next of C and the residual.
  var aStride: Int
  var cStride: Int
  var residualStride = 0
  /// What happens to the sums.
  var epilogue = Epilogue()
  /// How many blocks together bring the next panel into the L2 cache; 0: this one brings nothing.
  var prefetchTiles = 0
  /// The type of the operands: that of B, and of A but for a sign.
  var operandType: ElementType
  /// Elements between the three numbers of a column that scale sums of integers.
  var channelStride = 0

  var title: String {
    "amx_\(isPair ? 2 * rows : rows)x\(columns)x\(depth)_\(operandType.rawValue)"
  }

  /// What is multiplied.
  var product: AMXProduct {
    AMXProduct(
      operandType, rows: rows, depth: depth, aStride: aStride, rowTiles: isPair ? 2 : 1,
      columnTiles: (columns + AMXConfiguration.extent - 1) / AMXConfiguration.extent)
  }

  /// How the next panel is brought in.
  func prefetch(_ b: Builder) -> PanelPrefetch {
    PanelPrefetch(
      b: b, steps: AMXConfiguration.extent, rounds: product.rounds, tiles: prefetchTiles)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let tile = Tile(
      rows: rows, columns: columns, depth: depth, aStride: aStride, cStride: cStride,
      residualStride: residualStride, epilogue: epilogue, operandType: operandType,
      channelStride: channelStride)
    let sums = b.stackMemory(
      bytes: (isPair ? 2 : 1) * rows * AMXProduct.sumStrideBytes, alignment: 64)
    let second = b.multiply(p[.second], b.constant(aStride * 4))
    let secondSums = b.multiply(p[.second], b.constant(AMXProduct.sumStrideBytes))
    product.emit(
      b, a: [p[.a]] + (isPair ? [b.offset(p[.a], second)] : []), panel: p[.panel],
      ahead: p[.ahead], step: p[.step],
      to: [sums] + (isPair ? [b.offset(sums, secondSums)] : []),
      prefetch: prefetch(b).emit)
    tile.finishRows(
      b, isPair ? b.add(p[.second], b.constant(rows)) : b.constant(rows), of: sums,
      strideBytes: AMXProduct.sumStrideBytes,
      [
        .a: p[.a], .panel: p[.panel], .c: p[.c], .bias: p[.bias], .residual: p[.residual],
        .scales: p[.scales], .ahead: p[.ahead], .step: p[.step],
      ])
  }
}
