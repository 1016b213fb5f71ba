/// The microkernel of ``StrassenByProducts``: one of the seven products, for one register tile in
/// each quarter of the result.
///
/// In Winograd's form, with one partial sum that goes on and one that waits:
///
///     U = A11 B11             C11 += U + A12 B21        U += S2 T2
///     P7 = S3 T3              C21 += U + P7 + A22 T4
///     U += S1 T1              C22 += U + P7             C12 += U + S4 B22
struct StrassenProduct: Kernel {
  enum Parameter: KernelParameter {
    /// The tile's rows of the left operand, and the right one, `[depth][tile's columns]`.
    case left, right
    /// Where the tile makes its rows of a later product's right operand, those of T1 besides where
    /// that is T2, and the same rows of B11.
    case made, t1, panel
    /// The partial sums of the tile's rows, as wide as a tile, and its rows of the first quarter of
    /// the result, a panel's width apart.
    case u, p7, sums
    /// The bytes from the left panel to the right one.
    case distance
    /// What is prefetched, `step` bytes further in each round of four steps.
    case ahead, step
    /// -1 iff the sums hold earlier chunks' already, else 0.
    case isLater

    var type: ParameterType {
      switch self {
      case .step, .distance: .index
      case .isLater: .int32
      case .left, .right, .made, .t1, .panel, .u, .p7, .sums, .ahead: .address
      }
    }
    var isUnaliased: Bool {
      switch self {
      case .left, .right, .made, .t1, .panel, .u, .p7, .sums: true
      case .distance, .ahead, .step, .isLater: false
      }
    }
  }

  /// The products in the order of their use, which is that of ``StrassenLeft``.
  enum Which: Int, CaseIterable {
    case a11b11, a12b21, s2t2, s3t3, a22t4, s1t1, s4b22

    /// The memory that its right operand is in: one is made while another is read, and T1 waits.
    enum Memory: Int, CaseIterable {
      case even, odd, t1
    }
    var right: Memory {
      switch self {
      case .a11b11, .s2t2, .a22t4: .even
      case .a12b21, .s3t3, .s4b22: .odd
      case .s1t1: .t1
      }
    }
    /// The memory that it makes an operand in: B21; T1 and T2; T3; T4, in the place of T2; B22; the
    /// next part's B11.
    var makes: Memory? {
      switch self {
      case .a12b21, .s3t3, .s1t1: .even
      case .a11b11, .s2t2, .a22t4: .odd
      case .s4b22: nil
      }
    }
  }

  var which: Which
  /// The rows of the tile in each half: 1...target.tileRows.
  var rows: Int
  /// The length of each sum: half of a chunk of the depth.
  var depth: Int
  /// Elements between two quarters of the result.
  var quarterStride: Int
  /// `true` iff the depth has several chunks: each but the first adds to the results.
  var accumulates: Bool
  /// The rows of a later product's right operand that each round of four steps makes: loads,
  /// additions and stores pass while the multipliers work.
  var rowsMade: Int
  /// The cache lines that each round prefetches.
  var prefetchedLines: Int

  var title: String { "strassen_\(which)_\(rows)x\(depth)" + (rowsMade > 0 ? "_making" : "") }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let (lanes, vectors) = (b.target.lanes, b.target.tileVectors)
    let count = rows * vectors
    func place(_ partial: Value, _ index: Int) -> Value {
      b.offset(partial, bytes: index * lanes * 4)
    }
    func loaded(_ partial: Value) -> [Value] {
      (0..<count).map {
        b.load(b.floats(lanes), place(partial, $0), alignment: lanes * 4)
      }
    }
    func store(_ sums: [Value], to partial: Value) {
      for (index, sum) in sums.enumerated() {
        b.store(sum, place(partial, index), alignment: lanes * 4)
      }
    }
    func plus(_ sums: [Value], _ others: [Value]) -> [Value] { zip(sums, others).map(b.addFloat) }
    func deliver(_ sums: [Value], to quarter: StrassenQuarter) {
      // Made here, not before the loop, which leaves no register for the mask.
      StrassenResults(
        b, p[.sums], quarterStride: quarterStride, isLater: accumulates ? p[.isLater] : nil
      ).add(sums, to: quarter)
    }
    let zero = Array(repeating: b.floats(0, lanes), count: count)
    switch which {
    case .a11b11: store(products(b, p, onto: zero), to: p[.u])
    case .a12b21: deliver(products(b, p, onto: loaded(p[.u])), to: .c11)
    case .s2t2: store(products(b, p, onto: loaded(p[.u])), to: p[.u])
    case .s3t3: store(products(b, p, onto: zero), to: p[.p7])
    case .a22t4:
      deliver(products(b, p, onto: plus(loaded(p[.u]), loaded(p[.p7]))), to: .c21)
    case .s1t1:
      let sums = products(b, p, onto: loaded(p[.u]))
      store(sums, to: p[.u])
      deliver(plus(sums, loaded(p[.p7])), to: .c22)
    case .s4b22: deliver(products(b, p, onto: loaded(p[.u])), to: .c12)
    }
  }

  /// Emits `sums` plus the product.
  private func products(
    _ b: Builder, _ p: Arguments<Parameter>, onto sums: [Value]
  ) -> [Value] {
    let target = b.target
    let micro = VectorMicroKernel(
      format: F32Format(), rowOffsets: (0..<rows).map { $0 * depth }, vectors: target.tileVectors,
      accumulatorsPerSum: 1, isWidened: false, panelStride: target.tileColumns)
    let unroll = micro.unroll
    let (rightStep, panelStep) = (target.tileColumns * 4, Tile.panelWidth * 4)
    let leftStep = rows * unroll * 4
    // The next tile's rows follow this one's.
    let nextLeft = b.offset(p[.left], bytes: rows * depth * 4)
    let carried = b.forLoop(
      from: b.constant(0), to: b.constant(depth / unroll),
      carrying: [p[.left], p[.right], p[.made], p[.t1], p[.panel], p[.ahead], nextLeft] + sums
    ) { _, carried in
      let (left, right) = (carried[0], carried[1])
      let making = Array(carried[2...4])
      let (ahead, nextLeft) = (carried[5], carried[6])
      var sums = Array(carried[7...])
      for line in 0..<prefetchedLines {
        b.prefetchL2(b.offset(ahead, bytes: line * target.lineBytes))
      }
      for byte in stride(from: 0, to: leftStep, by: target.lineBytes) {
        b.prefetchL1(b.offset(nextLeft, bytes: byte))
      }
      for row in 0..<rowsMade {
        make(
          b, p[.distance], b.offset(making[0], bytes: row * rightStep),
          t1: b.offset(making[1], bytes: row * rightStep),
          from: b.offset(making[2], bytes: row * panelStep))
      }
      micro.steps(b, unroll, a: left, panel: right, onto: &sums, right: nil)
      return [
        b.offset(left, bytes: unroll * 4), b.offset(right, bytes: unroll * rightStep),
        b.offset(making[0], bytes: rowsMade * rightStep),
        b.offset(making[1], bytes: rowsMade * rightStep),
        b.offset(making[2], bytes: rowsMade * panelStep), b.offset(ahead, p[.step]),
        b.offset(nextLeft, bytes: leftStep),
      ] + sums
    }
    return Array(carried[7...])
  }

  /// Emits a row of a later product's right operand.
  private func make(
    _ b: Builder, _ distance: Value, _ made: Value, t1: Value, from panel: Value
  ) {
    let lanes = b.target.lanes
    let panels = StrassenPanels(
      b: b, left: panel, sums: made, halfBytes: depth * Tile.panelWidth * 4,
      distance: distance)
    for column in stride(from: 0, to: b.target.tileColumns, by: lanes) {
      func place(_ base: Value) -> Value { b.offset(base, bytes: column * 4) }
      func load(_ base: Value) -> Value {
        b.load(b.floats(lanes), place(base), alignment: lanes * 4)
      }
      func panel(_ operand: StrassenRight) -> Value { load(panels.address(operand)) }
      /// A Zen 3 takes two cycles longer where a register is loaded and stored with nothing done to
      /// it in between: 8 % of a tile's time.
      func copied(_ value: Value) -> Value { b.addFloat(value, b.floats(0, lanes)) }
      let value: Value
      switch which {
      case .a11b11: value = copied(panel(.b21))
      case .a12b21:
        let difference = b.subtractFloat(panel(.b12), panel(.b11))
        b.store(difference, place(t1), alignment: lanes * 4)
        value = b.subtractFloat(panel(.b22), difference)
      case .s2t2: value = b.subtractFloat(panel(.b22), panel(.b12))
      case .s3t3: value = b.subtractFloat(panel(.b21), load(made))
      case .a22t4: value = copied(panel(.b22))
      case .s1t1: value = copied(panel(.b11))
      case .s4b22: return
      }
      b.store(value, place(made), alignment: lanes * 4)
    }
  }
}
