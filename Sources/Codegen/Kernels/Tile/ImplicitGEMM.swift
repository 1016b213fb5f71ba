/// Where the left operands of a tile lie when they are the image of a convolution instead of a
/// matrix: implicit-GEMM addressing.
///
/// Each sum goes over `runs` runs of `depth` consecutive groups, three loops of them: the lines of
/// the window, its pixels, and parts of a pixel's channels; for a planar image channels, lines and
/// one. Rows of the tile are pixels of the result, `line` of them in each line of the image. All
/// distances are known at compile time: they become displacements of addresses, and no patch is
/// ever gathered.
struct ImplicitGEMM: Hashable {
  /// How many runs the three loops go over, outermost first.
  var counts = [1, 1, 1]
  /// Groups from one run to the next, of each loop.
  var strides = [0, 0, 0]
  /// The rows of the tile in one line of the image; 0: all of them.
  var line = 0
  /// Groups from one line of rows to the next.
  var lineStride = 0
  /// Where in its line the first row of the tile is.
  var start = 0

  /// The number of runs.
  var runs: Int { counts.reduce(1, *) }

  /// Emits the distance of run `index` from the first, in bytes.
  func offset(_ b: Builder, _ index: Value) -> Value {
    var rest = index
    var sum = b.constant(0)
    for (count, stride) in zip(counts, strides).reversed() where count > 1 {
      let step = b.multiply(b.remainder(rest, b.constant(count)), b.constant(stride * 4))
      sum = b.add(sum, step)
      rest = b.divide(rest, b.constant(count))
    }
    return sum
  }
}

extension Tile {
  /// Groups from the first row of A to row `row`.
  func rowOffset(_ row: Int) -> Int {
    guard addressing.line > 0 else { return row * aStride }
    let place = addressing.start + row
    return place / addressing.line * addressing.lineStride
      + (place % addressing.line - addressing.start) * aStride
  }
}
