import IR

/// The loop of a tile over the depth: rounds of the microkernel, prefetches in each, and blocks of
/// the sum that are added up in memory.
struct TileLoop {
  let b: Builder
  let tile: Tile
  let micro: any MicroKernel

  init(_ tile: Tile, _ b: Builder) {
    (self.tile, self.b) = (tile, b)
    micro = tile.microKernel(on: b.target)
  }

  private var unroll: Int { micro.unroll }
  /// The bytes of `steps` steps of the depth in a row of A, and in the panel.
  private func leftBytes(_ steps: Int) -> Int {
    steps * tile.arrangement.leftWords(micro.format, on: b.target) * 4
  }
  private func panelBytes(_ steps: Int) -> Int {
    steps * tile.arrangement.rightWords(micro.format, on: b.target) * tile.panelStride * 4
  }
  /// The steps after the last round.
  private var rest: Int { tile.depth % unroll }
  /// The rounds of the loop over the depth.
  var rounds: Int { tile.depth / unroll }

  /// The rounds of each block but the last: blocks as equal as can be.
  private var roundsPerBlock: Int {
    guard !micro.format.sumsIntegers else { return max(1, rounds) }
    let steps = tile.accumulators * tile.summationBlock
    let blocks = max(1, (tile.depth + steps - 1) / steps)
    return max(1, (rounds + blocks - 1) / blocks)
  }

  /// No sums yet.
  private var zeros: [Value] {
    Array(repeating: micro.format.zero(b, b.target.lanes), count: micro.sumCount)
  }

  /// Emits the sums of the tile: a vector for each row and vector of it.
  func sums(_ p: Arguments<Tile.Parameter>) -> [Value] {
    micro.total(b, tile.addressing.runs > 1 ? sumsOfRuns(p) : sumsOfDepth(p))
  }

  private func sumsOfDepth(_ p: Arguments<Tile.Parameter>) -> [Value] {
    var addresses = Addresses(a: p[.a], panel: p[.panel], ahead: p[.ahead])
    guard rounds > roundsPerBlock else {
      return accumulate(addresses, step: p[.step], onto: zeros)
    }
    let totals = BlockTotals(b, zeros, format: micro.format)
    addresses = Addresses(
      b.forLoop(
        from: b.constant(0), to: b.constant(rounds), step: roundsPerBlock,
        carrying: addresses.values
      ) { start, addresses in
        let end = b.minimum(
          b.add(start, b.constant(roundsPerBlock)), b.constant(rounds))
        let (next, sums) = loop(
          from: start, to: end, Addresses(addresses), micro.accumulators(b, holding: zeros),
          step: p[.step])
        totals.add(micro.sums(b, in: sums))
        return next.values
      })
    guard rest > 0 else { return totals.values }
    var sums = micro.accumulators(b, holding: zeros)
    micro.steps(b, rest, a: addresses.a, panel: addresses.panel, onto: &sums, right: nil)
    return totals.plus(micro.sums(b, in: sums))
  }

  /// Emits the whole depth as one block: `sums` plus the products.
  ///
  /// `right` makes the vectors of the right operand, once each; `nil`: they are loaded.
  func accumulate(
    _ addresses: Addresses, step: Value, onto sums: [Value], right: RightOperand? = nil
  ) -> [Value] {
    var (addresses, accumulators) = (addresses, micro.accumulators(b, holding: sums))
    if rounds > 0 {
      (addresses, accumulators) = loop(
        from: b.constant(0), to: b.constant(rounds), addresses, accumulators, step: step, right)
    }
    micro.steps(
      b, rest, a: addresses.a, panel: addresses.panel, onto: &accumulators, right: right)
    return micro.sums(b, in: accumulators)
  }

  /// Emits rounds of the loop over the depth.
  private func loop(
    from start: Value, to end: Value, _ addresses: Addresses, _ accumulators: [Value],
    step: Value, _ right: RightOperand? = nil
  ) -> (Addresses, [Value]) {
    let carried = b.forLoop(
      from: start, to: end, carrying: addresses.values + accumulators
    ) { _, carried in
      let addresses = Addresses(carried)
      var accumulators = Array(carried[Addresses.count...])
      prefetchLines(addresses.ahead)
      micro.steps(
        b, unroll, a: addresses.a, panel: addresses.panel, onto: &accumulators, right: right)
      let next = Addresses(
        a: b.offset(addresses.a, bytes: leftBytes(unroll)),
        panel: b.offset(addresses.panel, bytes: panelBytes(unroll)),
        ahead: tile.prefetchTiles > 0 ? b.offset(addresses.ahead, step) : addresses.ahead)
      return next.values + accumulators
    }
    return (Addresses(carried), Array(carried[Addresses.count...]))
  }

  /// What moves along the depth.
  struct Addresses {
    /// Of the first row of A, of the panel, and of what is prefetched.
    var a: Value
    var panel: Value
    var ahead: Value

    static let count = 3
    var values: [Value] { [a, panel, ahead] }

    init(a: Value, panel: Value, ahead: Value) {
      (self.a, self.panel, self.ahead) = (a, panel, ahead)
    }

    /// Takes the first of some values.
    init(_ values: [Value]) { self.init(a: values[0], panel: values[1], ahead: values[2]) }
  }
}

/// The runs of an implicit GEMM.
extension TileLoop {
  /// The runs of one block of a sum.
  private var runsPerBlock: Int {
    min(tile.addressing.runs, max(1, tile.summationBlock * tile.accumulators / tile.depth))
  }

  /// Emits the sums over all runs; blocks of several runs are added up in memory.
  private func sumsOfRuns(_ p: Arguments<Tile.Parameter>) -> [Value] {
    let runs = b.constant(tile.addressing.runs)
    let start = Addresses(a: p[.a], panel: p[.panel], ahead: p[.ahead])
    guard runsPerBlock < tile.addressing.runs else {
      return block(from: b.constant(0), to: runs, start, step: p[.step]).sums
    }
    let totals = BlockTotals(b, zeros, format: micro.format)
    b.forLoop(
      from: b.constant(0), to: runs, step: runsPerBlock, carrying: [start.panel, start.ahead]
    ) { first, carried in
      let end = b.minimum(b.add(first, b.constant(runsPerBlock)), runs)
      let addresses = Addresses(a: p[.a], panel: carried[0], ahead: carried[1])
      let (next, sums) = block(from: first, to: end, addresses, step: p[.step])
      totals.add(sums)
      return [next.panel, next.ahead]
    }
    return totals.values
  }

  /// Emits runs, whose left operands lie where the addressing says.
  private func block(
    from start: Value, to end: Value, _ addresses: Addresses, step: Value
  ) -> (next: Addresses, sums: [Value]) {
    let carried = b.forLoop(
      from: start, to: end,
      carrying: [addresses.panel, addresses.ahead] + micro.accumulators(b, holding: zeros)
    ) { run, carried in
      let a = b.offset(addresses.a, tile.addressing.offset(b, run))
      var place = Addresses(a: a, panel: carried[0], ahead: carried[1])
      var (accumulators, rest) = (Array(carried[2...]), tile.depth)
      // A short run, as a line of a planar window, has no loop of its own.
      if rounds > 2 {
        (place, accumulators) = loop(
          from: b.constant(0), to: b.constant(rounds), place, accumulators, step: step)
        rest = self.rest
      } else if tile.prefetchTiles > 0 {
        for _ in 0..<rounds {
          prefetchLines(place.ahead)
          place.ahead = b.offset(place.ahead, step)
        }
      }
      micro.steps(b, rest, a: place.a, panel: place.panel, onto: &accumulators, right: nil)
      return [b.offset(place.panel, bytes: panelBytes(rest)), place.ahead] + accumulators
    }
    let next = Addresses(a: addresses.a, panel: carried[0], ahead: carried[1])
    return (next, micro.sums(b, in: Array(carried[2...])))
  }
}

/// Sums that blocks are added to in memory.
private struct BlockTotals {
  private let b: Builder
  private let format: any NumberFormat
  private let memory: Value
  private let count: Int

  /// Begins with `zeros`, as many vectors as there are sums.
  init(_ b: Builder, _ zeros: [Value], format: any NumberFormat) {
    (self.b, self.format, count) = (b, format, zeros.count)
    memory = b.stackMemory(bytes: zeros.count * b.target.lanes * 4, alignment: 64)
    for (index, zero) in zeros.enumerated() { store(zero, index) }
  }

  private var vectorBytes: Int { b.target.lanes * 4 }
  private func place(_ index: Int) -> Value { b.offset(memory, bytes: index * vectorBytes) }
  private func load(_ index: Int) -> Value {
    b.load(format.sumType(b), place(index), alignment: vectorBytes)
  }
  private func store(_ sum: Value, _ index: Int) {
    b.store(sum, place(index), alignment: vectorBytes)
  }

  var values: [Value] { (0..<count).map(load) }

  /// Emits the sums of totals and block, which stay in registers.
  func plus(_ block: [Value]) -> [Value] {
    block.enumerated().map { format.add(b, load($0), $1) }
  }

  /// Emits the addition of a block.
  func add(_ block: [Value]) {
    for (index, sum) in block.enumerated() { store(format.add(b, load(index), sum), index) }
  }
}
