import IR

/// One register tile of a matmul, the whole depth in registers: `C = epilogue(A B)`.
///
/// `A` is row-major, used in place (its elements are broadcast from memory). `B` is one panel
/// `[depth][32]`, of which a tile reads `target.tileColumns` columns. Every output element is a sum
/// of blocks, each of them the chain `fma(a[k], b[k], sum)` for k ascending, whatever the height of
/// the tile, so the split of the rows into tiles and tasks does not change a bit.
///
/// The blocks keep the error small: it grows with the length of a chain of additions. Adding one to
/// a total in memory costs as much as a few steps.
///
/// The tile is put together from parts that are told apart: a ``NumberFormat`` says what the
/// operands are, a ``MicroKernel`` holds the sums and multiplies, an ``ImplicitGEMM`` says where
/// the left operands lie, a ``TileLoop`` goes over the depth, an ``Epilogue`` finishes. What is
/// said of elements of A and B holds of groups, where the format has several elements in one.
struct Tile: Kernel {
  enum Parameter: KernelParameter {
    /// `A`, a panel of `B`, `C`.
    case a, panel, c
    /// Of the columns, of the elements and of the rows; what the epilogue does not ask for is not
    /// read.
    case bias, residual, scales
    /// What is prefetched, and how many bytes further in each round.
    case ahead, step
    var type: ParameterType { self == .step ? .index : .address }
    var isUnaliased: Bool { self == .panel }
  }

  /// The rows of the tile: 1...target.tileRows.
  var rows: Int
  /// The columns stored: 1...target.tileColumns.
  var columns: Int
  /// The length of each sum, or of each run of the addressing, in groups.
  var depth: Int
  /// Groups from one row to the next of A, elements from one to the next of C and the residual.
  var aStride: Int
  var cStride: Int
  var residualStride = 0
  /// What happens to the sums.
  var epilogue = Epilogue()
  /// In how many accumulators, which take turns, each sum is computed.
  ///
  /// More than one only where few rows leave the multipliers waiting; a function of the
  /// operation's shape, never of the split.
  var accumulators = 1
  /// How the sum goes over A where that is the image of a convolution.
  var addressing = ImplicitGEMM()
  /// How many tiles together bring the next panel into the L2 cache; 0: this one brings nothing.
  var prefetchTiles = 0
  /// The type of the operands: that of B, and of A but for a sign.
  var operandType = ElementType.f32
  /// How the operands lie.
  ///
  /// Where they are widened, `aStride` counts what a group has become; where paired, words.
  var arrangement = Arrangement.stored
  /// Words from one row of the panel to the next.
  var panelStride = Tile.panelWidth
  /// Elements between the three numbers of a column that scale sums of integers.
  var channelStride = 0
  /// The steps of one accumulator in a block of a sum, at most.
  var summationBlock = Tile.standardSummationBlock

  /// Elements from one row to the next of a panel.
  static let panelWidth = Pack.standardWidth
  /// The blocks that cost next to nothing.
  ///
  /// Measured on ViT-B/16, relative L2 error of the logits against float64 and time of one thread:
  /// no blocks 1.2e-6, 293.5 ms; 768 steps 8.3e-7, 294.3 ms; 512 6.6e-7, 296.1; 256 5.5e-7, 297.0.
  static let standardSummationBlock = 768

  /// The accumulators that suit an operation of `rows` rows in all: with at most four rows the
  /// latency of the additions would bound it.
  static func accumulators(forRows rows: Int, on target: Target) -> Int {
    guard rows <= 4 else { return 1 }
    let registers = target.tileRows * target.tileVectors
    return [8, 4, 2].first { rows * target.tileVectors * $0 <= registers } ?? 1
  }

  var title: String {
    let runs = addressing.counts.map(String.init).joined(separator: "x")
    return "contract_\(rows)x\(columns)x\(depth)_\(operandType.rawValue)"
      + (addressing.runs > 1 ? "_runs\(runs)" : "")
  }

  /// The vectors across the tile.
  func vectors(_ target: Target) -> Int { (columns + target.lanes - 1) / target.lanes }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    if epilogue.hasResidual { prefetchResidual(b, p[.residual]) }
    let sums = TileLoop(self, b).sums(p)
    operandType.format.sumsIntegers ? finishIntegers(b, sums, p) : finishFloats(b, sums, p)
  }

  /// Emits prefetches of the residual, so that it is there when the sums are: on BiT-R50x1 with two
  /// threads 39.2 ms become 37.1 ms.
  private func prefetchResidual(_ b: Builder, _ residual: Value) {
    for row in 0..<rows {
      for byte in stride(from: 0, to: columns * 4, by: b.target.lineBytes) {
        b.prefetchL1(b.offset(residual, bytes: row * residualStride * 4 + byte))
      }
    }
  }
}
