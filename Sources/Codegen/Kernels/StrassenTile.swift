/// The microkernel of ``StrassenKernel``: seven matmuls of half the depth, for one register tile
/// in each quarter of the result.
///
/// The matmuls follow each other in registers: most of them go on from the sums of the one before,
/// as Winograd's form of the algorithm adds them up.
///
///     P1 = f1 A11 B11       C11 += P1 + f1 A12 B21
///     U2 = P1 + S2 T2       U3 = U2 + S3 T3       C21 += U3 + f2 A22 T4
///     P5 = S1 T1            C22 += U3 + P5        C12 += U2 + P5 + S4 B22
///
/// What differs between layers of a model, but need not be known to the compiler, is an argument:
/// that the layers share their tiles saves two thirds of ViT-B/16's time in LLVM.
///
/// `A11`, `A12` and `A22` are used where they lie; the rows of `S1`...`S4` are multiplied by their
/// scales `f1` and `f2` already. Two tiles of temporaries on the stack, 1.8 KB each with AVX-512,
/// hold P1, then U2, and U3.
struct StrassenTile: Kernel {
  enum Parameter: KernelParameter {
    /// The rows of A, of the left sums and of the left panel begin with the chunk, the first half
    /// of the depth before the second; the right sums are `[depth][32]` each; the scales are those
    /// of ``StrassenScales``.
    case a, leftSums, panel, rightSums, sums, scales
    /// What the first three matmuls prefetch, and the others; `step` bytes further in each round.
    case aheadLeft, aheadRight, step
    /// The bytes from the left panel to the right one.
    case distance
    /// -1 iff the sums hold earlier chunks' already, else 0.
    case isLater

    var type: ParameterType {
      switch self {
      case .step, .distance: .index
      case .isLater: .int32
      case .a, .leftSums, .panel, .rightSums, .sums, .scales, .aheadLeft, .aheadRight: .address
      }
    }
    var isUnaliased: Bool {
      switch self {
      case .a, .leftSums, .panel, .rightSums, .sums: true
      case .scales, .aheadLeft, .aheadRight, .step, .distance, .isLater: false
      }
    }
  }

  /// The rows of the tile in each half: 1...target.tileRows.
  var rows: Int
  /// The length of each sum: half of a chunk of the depth.
  var depth: Int
  /// Elements between two rows of the left matrix, and of its sums.
  var aStride: Int
  var sumStride: Int
  /// Elements from a row of the left matrix's first half to its partner.
  var partnerDistance: Int
  /// Elements between two quarters of the sums, whose rows are a panel's width apart.
  var quarterStride: Int
  /// `true` iff the depth has several chunks: each but the first adds to the sums.
  var accumulates: Bool
  /// `true` iff the tile is a chunk's first and makes the right operands that are sums: the
  /// additions and stores pass while the multipliers work.
  var makesRight: Bool
  /// The cache lines that each round of the loop prefetches.
  var prefetchedLines: Int

  /// The loops that bring one of the two panels in; the seventh matmul prefetches what the next
  /// tile asks for again.
  static let loopsAhead = 3

  var title: String { "strassen_tile_\(rows)x\(depth)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let (a, leftSums, panel, rightSums) = (p[.a], p[.leftSums], p[.panel], p[.rightSums])
    let lanes = b.target.lanes
    let vectors = b.target.tileVectors
    let count = rows * vectors
    let halfBytes = depth * Tile.panelWidth * 4

    let temporaries = b.stackMemory(bytes: 2 * count * lanes * 4, alignment: 64)
    func place(_ temporary: Int, _ index: Int) -> Value {
      b.offset(temporaries, bytes: (temporary * count + index) * lanes * 4)
    }
    func keep(_ sums: [Value], in temporary: Int) {
      for (index, sum) in sums.enumerated() {
        b.store(sum, place(temporary, index), alignment: lanes * 4)
      }
    }
    func kept(_ temporary: Int) -> [Value] {
      (0..<count).map { b.load(b.floats(lanes), place(temporary, $0), alignment: lanes * 4) }
    }
    func plus(_ sums: [Value], _ others: [Value]) -> [Value] { zip(sums, others).map(b.addFloat) }
    /// Multiplies rows of the first or second half by their scales, and adds.
    func scaled(_ sums: [Value], half: Int, plus others: [Value]? = nil) -> [Value] {
      sums.enumerated().map { index, sum in
        let scale = b.splat(StrassenScales.load(b, p[.scales], index / vectors, half), lanes)
        return others.map { b.multiplyAdd(sum, scale, $0[index]) } ?? b.multiplyFloat(sum, scale)
      }
    }
    let results = StrassenResults(
      b, p[.sums], quarterStride: quarterStride, isLater: accumulates ? p[.isLater] : nil)
    func deliver(_ sums: [Value], to quarter: StrassenQuarter) { results.add(sums, to: quarter) }
    // What the loops so far have prefetched: each goes on where the one before stopped.
    var loops = 0
    func product(
      _ left: Value, stride: Int, _ right: Value, onto sums: [Value],
      making: RightOperand? = nil
    ) -> [Value] {
      let tile = Tile(
        rows: rows, columns: b.target.tileColumns, depth: depth, aStride: stride, cStride: 0,
        prefetchTiles: TileLoop.prefetchTiles(forLines: prefetchedLines, on: b.target))
      let loop = TileLoop(tile, b)
      let isLeft = loops < Self.loopsAhead
      let rounds = (isLeft ? loops : loops - Self.loopsAhead) * loop.rounds
      let ahead = b.offset(
        p[isLeft ? .aheadLeft : .aheadRight], b.multiply(p[.step], b.constant(rounds)))
      loops += 1
      return loop.accumulate(
        TileLoop.Addresses(a: left, panel: right, ahead: ahead), step: p[.step], onto: sums,
        right: making)
    }
    func inPlace(_ element: Int) -> Value { b.offset(a, bytes: element * 4) }
    func sum(_ operand: StrassenLeft) -> Value {
      let index = StrassenLeft.sums.firstIndex(of: operand) ?? 0
      return b.offset(leftSums, bytes: index * depth * 4)
    }

    let panels = StrassenPanels(
      b: b, left: panel, sums: rightSums, halfBytes: halfBytes, distance: p[.distance])
    func right(_ operand: StrassenRight) -> Value { panels.address(operand) }
    func making(_ operand: StrassenRight) -> RightOperand? {
      makesRight ? panels.maker(operand) : nil
    }
    func sumProduct(
      _ left: StrassenLeft, _ operand: StrassenRight, onto sums: [Value]
    ) -> [Value] {
      let maker = making(operand)
      return product(
        sum(left), stride: sumStride, maker == nil ? right(operand) : right(.b12), onto: sums,
        making: maker)
    }

    let zero = Array(repeating: b.floats(0, lanes), count: count)
    let p1 = product(a, stride: aStride, right(.b11), onto: zero)
    keep(scaled(p1, half: 0), in: 0)
    deliver(
      scaled(product(inPlace(depth), stride: aStride, right(.b21), onto: p1), half: 0), to: .c11)

    let u2 = sumProduct(.s2, .t2, onto: kept(0))
    keep(u2, in: 0)
    keep(sumProduct(.s3, .t3, onto: u2), in: 1)
    let maker = making(.t4)
    let p4 = product(
      inPlace(partnerDistance + depth), stride: aStride, right(maker == nil ? .t4 : .b12),
      onto: zero, making: maker)
    deliver(scaled(p4, half: 1, plus: kept(1)), to: .c21)

    let p5 = product(sum(.s1), stride: sumStride, right(.t1), onto: zero)
    deliver(plus(p5, kept(1)), to: .c22)
    let u4 = product(sum(.s4), stride: sumStride, right(.b22), onto: plus(p5, kept(0)))
    deliver(u4, to: .c12)
  }
}

/// The quarters of a result, in memory in this order.
enum StrassenQuarter: Int, CaseIterable {
  case c11, c12, c21, c22
}
