import IR

/// What happens to a sum of products before it is stored, in this order.
struct Epilogue: Hashable {
  /// Multiply row m by its factor.
  var scalesRows = false
  /// Add a vector along the columns.
  var hasBias = false
  /// Apply a function.
  var activation: ActivationFunction?
  /// Add a matrix.
  var hasResidual = false
  /// Round to this type.
  var result = ElementType.f32
}

/// The microkernel: `C = epilogue(A B)` for one register tile, the whole depth in registers.
///
/// `A` is row-major, used in place (its elements are broadcast from memory). `B` is one panel
/// `[depth][32]`, of which a tile reads `target.tileColumns` columns. Every output element is a sum
/// of parts, each of them the chain `fma(a[k], b[k], sum)` for k ascending, whatever the height of
/// the tile, so the split of the rows into tiles and tasks does not change a bit.
///
/// The parts keep the error small: it grows with the length of a chain of additions. Adding one to
/// a total in memory costs as much as a few steps.
///
/// Factors may be of bf16, or of 8-bit integers, those of A without a sign. Then two or four
/// neighbours along the depth lie in each 32-bit word of A and B, a step of the depth multiplies a
/// word, and what is said of elements of A and B holds of words. Sums of integers are exact, and
/// scaled by the row's two factors and the column's three (`Contraction`).
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
  /// The length of each sum, in words.
  var depth: Int
  /// Words from one row to the next of A, elements from one to the next of C and the residual.
  var aStride: Int
  var cStride: Int
  var residualStride = 0
  /// What happens to the sums.
  var epilogue = Epilogue()
  /// In how many interleaved chains each sum is computed.
  ///
  /// More than one only where few rows leave the multipliers waiting; a function of the
  /// operation's shape, never of the split.
  var chains = 1
  /// How the sum goes over A where that is the image of a convolution.
  var walk = Walk()
  /// How many tiles together bring the next panel into the L2 cache; 0: this one brings nothing.
  var bringers = 0
  /// The type of the factors: f32, bf16 or, of B, s8.
  var factors = ElementType.f32
  /// Elements between the three factors of a column, where the factors are integers.
  var channelStride = 0
  /// The steps of one chain in a part of a sum, at most.
  var part = Tile.partSteps

  /// Elements from one row to the next of a panel.
  static let panelWidth = Pack.standardWidth
  /// The parts that cost next to nothing.
  ///
  /// Measured on ViT-B/16, relative L2 error of the logits against float64 and time of one thread:
  /// no parts 1.2e-6, 293.5 ms; 768 steps 8.3e-7, 294.3 ms; 512 6.6e-7, 296.1; 256 5.5e-7, 297.0.
  static let partSteps = 768
  /// The steps of the depth in one round of the loop.
  var unroll: Int { max(4, chains) }
  /// The rounds of each part but the last: parts as equal as can be.
  private var roundsPerPart: Int {
    guard factors != .s8 else { return max(1, rounds) }
    let parts = max(1, (depth + chains * part - 1) / (chains * part))
    return max(1, (rounds + parts - 1) / parts)
  }
  /// The rounds of the loop over the depth.
  var rounds: Int { depth / unroll }
  /// The number of bringers whose tiles prefetch `lines` cache lines in each round.
  static func bringers(forLines lines: Int) -> Int {
    lines == 0 ? 0 : (4 * panelWidth * 4 / lineBytes + lines - 1) / lines
  }
  /// The cache lines that the tile prefetches in each round: its part of the panel rows of a round.
  var prefetchedLines: Int {
    let lines = unroll * Tile.panelWidth * 4 / Tile.lineBytes
    return bringers == 0 ? 0 : (lines + bringers - 1) / bringers
  }
  static let lineBytes = 64
  /// How far the prefetched address moves in each round.
  var prefetchStep: Int { prefetchedLines * Tile.lineBytes }
  /// What the tile prefetches in all.
  var prefetchedBytes: Int { walk.runs * rounds * prefetchStep }

  /// The chains that suit an operation of `rows` rows in all: with at most four rows the latency of
  /// the additions would bound it.
  static func chains(forRows rows: Int, on target: Target) -> Int {
    guard rows <= 4 else { return 1 }
    let accumulators = target.tileRows * target.tileVectors
    return [8, 4, 2].first { rows * target.tileVectors * $0 <= accumulators } ?? 1
  }

  var title: String {
    let runs = walk.counts.map(String.init).joined(separator: "x")
    return "contract_\(rows)x\(columns)x\(depth)_\(factors.rawValue)"
      + (walk.runs > 1 ? "_runs\(runs)" : "")
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let vectors = (columns + lanes - 1) / lanes
    let zero = factors == .s8 ? b.integers(0, lanes) : b.floats(0, lanes)
    var sums = Array(repeating: zero, count: chains * rows * vectors)

    if epilogue.hasResidual { bringResidual(b, p[.residual]) }
    if walk.runs > 1 {
      finish(b, combined(b, sumOverRuns(b, p)), vectors, p)
      return
    }
    var addresses = [p[.a], p[.panel], p[.ahead]]
    if rounds > roundsPerPart {
      let totals = b.stackMemory(bytes: sums.count * lanes * 4, alignment: 64)
      func total(_ index: Int) -> Value { b.offset(totals, bytes: index * lanes * 4) }
      for index in sums.indices { b.store(zero, total(index), alignment: lanes * 4) }
      addresses = b.forLoop(
        from: b.constant(0), to: b.constant(rounds), step: roundsPerPart, carrying: addresses
      ) { start, addresses in
        let end = b.minimum(
          b.add(start, b.constant(roundsPerPart)), b.constant(rounds))
        let carried = loop(b, from: start, to: end, addresses, sums, p[.step])
        for (index, sum) in carried[3...].enumerated() {
          let before = b.load(b.floats(lanes), total(index), alignment: lanes * 4)
          b.store(b.addFloat(before, sum), total(index), alignment: lanes * 4)
        }
        return Array(carried[..<3])
      }
      steps(b, depth % unroll, addresses[0], addresses[1], &sums)
      for index in sums.indices {
        let before = b.load(b.floats(lanes), total(index), alignment: lanes * 4)
        sums[index] = depth % unroll > 0 ? b.addFloat(before, sums[index]) : before
      }
    } else {
      sums = accumulate(
        b, a: addresses[0], panel: addresses[1], ahead: addresses[2], step: p[.step],
        onto: sums)
    }

    finish(b, combined(b, sums), vectors, p)
  }

  /// Emits prefetches of the residual, so that it is there when the sums are: on BiT-R50x1 with two
  /// threads 39.2 ms become 37.1 ms.
  private func bringResidual(_ b: Builder, _ residual: Value) {
    for row in 0..<rows {
      for byte in stride(from: 0, to: columns * 4, by: Tile.lineBytes) {
        b.prefetchNear(b.offset(residual, bytes: row * residualStride * 4 + byte))
      }
    }
  }

  /// The sums of the chains.
  private func combined(_ b: Builder, _ chained: [Value]) -> [Value] {
    var sums = chained
    let count = sums.count / chains
    var width = chains
    while width > 1 {
      width /= 2
      for i in 0..<width * count {
        let (one, other) = (sums[i], sums[i + width * count])
        sums[i] = factors == .s8 ? b.wrappingAdd(one, other) : b.addFloat(one, other)
      }
    }
    return Array(sums[..<count])
  }

  /// Where a row of the right operand comes from: the vector `bytes` behind the panel's address.
  typealias RightOperand = (_ panel: Value, _ bytes: Int) -> Value

  /// Emits the whole depth as one part: `sums` plus the products, and prefetches from `ahead` on.
  ///
  /// `right` makes the vectors of the right operand, once each; `nil`: they are loaded.
  func accumulate(
    _ b: Builder, a: Value, panel: Value, ahead: Value, step: Value, onto initial: [Value],
    right: RightOperand? = nil
  ) -> [Value] {
    var (addresses, sums) = ([a, panel, ahead], initial)
    if rounds > 0 {
      let carried = loop(
        b, from: b.constant(0), to: b.constant(rounds), addresses, sums, step, right)
      (addresses, sums) = (Array(carried[..<3]), Array(carried[3...]))
    }
    steps(b, depth % unroll, addresses[0], addresses[1], &sums, right)
    return sums
  }

  /// Emits rounds of the loop over the depth.
  ///
  /// Takes and returns the addresses in A, of the panel and of what is prefetched; the sums follow.
  func loop(
    _ b: Builder, from start: Value, to end: Value, _ addresses: [Value], _ sums: [Value],
    _ prefetchStep: Value, _ right: RightOperand? = nil
  ) -> [Value] {
    b.forLoop(from: start, to: end, carrying: addresses + sums) { _, carried in
      let (a, panel, ahead) = (carried[0], carried[1], carried[2])
      var sums = Array(carried[3...])
      for line in 0..<prefetchedLines {
        b.prefetch(b.offset(ahead, bytes: line * Tile.lineBytes))
      }
      steps(b, unroll, a, panel, &sums, right)
      return [
        b.offset(a, bytes: unroll * 4), b.offset(panel, bytes: unroll * Tile.panelWidth * 4),
        bringers > 0 ? b.offset(ahead, prefetchStep) : ahead,
      ] + sums
    }
  }

  /// Emits `count` consecutive steps of the depth, from the addresses of their first.
  func steps(
    _ b: Builder, _ count: Int, _ a: Value, _ panel: Value, _ sums: inout [Value],
    _ operand: RightOperand? = nil
  ) {
    let lanes = b.target.lanes
    let vectors = (columns + lanes - 1) / lanes
    // With multiplication by a lane, four steps of each row come in one load.
    var fours: [Value] = []
    for k in 0..<count {
      let byLane = factors == .f32 && b.target.multipliesByLane && k / 4 * 4 + 4 <= count
      if byLane, k % 4 == 0 {
        fours = (0..<rows).map {
          b.load(b.floats(4), b.offset(a, bytes: (rowOffset($0) + k) * 4))
        }
      }
      let word = factors == .f32 ? b.f32 : b.i32
      let right = (0..<vectors).map {
        let bytes = (k * Tile.panelWidth + $0 * lanes) * 4
        let type = b.vector(lanes, of: word)
        return rightFactor(
          b,
          operand?(panel, bytes)
            ?? b.load(type, b.offset(panel, bytes: bytes), alignment: lanes * 4))
      }
      for row in 0..<rows {
        let left =
          byLane
          ? b.shuffle(fours[row], Array(repeating: k % 4, count: lanes))
          : b.splat(b.load(word, b.offset(a, bytes: (rowOffset(row) + k) * 4)), lanes)
        let first = ((k % chains) * rows + row) * vectors
        let leftFactor = leftFactor(b, left)
        for vector in 0..<vectors {
          sums[first + vector] = multiplyAdd(b, leftFactor, right[vector], sums[first + vector])
        }
        // One row after the other: the processor looks ahead by itself, and a scheduler that does
        // it for the sake of latency needs registers that a full tile does not leave.
        let range = first..<first + vectors
        sums.replaceSubrange(range, with: b.orderMemory(after: Array(sums[range])))
      }
    }
  }

  /// The factors in a vector of words, as the target multiplies them.
  private func leftFactor(_ b: Builder, _ words: Value) -> [Value] {
    switch factors {
    case .bf16: b.pairFactors(words)
    case .s8: b.byteFactors(left: words)
    case .f32, .f16, .u8: [words]
    }
  }

  private func rightFactor(_ b: Builder, _ words: Value) -> [Value] {
    factors == .s8 ? b.byteFactors(right: words) : leftFactor(b, words)
  }

  private func multiplyAdd(
    _ b: Builder, _ left: [Value], _ right: [Value], _ sum: Value
  ) -> Value {
    switch factors {
    case .bf16: b.multiplyAddPairs(left, right, sum)
    case .s8: b.multiplyAddBytes(left, right, sum)
    case .f32, .f16, .u8: b.multiplyAdd(left[0], right[0], sum)
    }
  }

  /// Emits the epilogue and the stores.
  ///
  /// An activation's polynomial wants many registers for its constants, while the sums still fill
  /// most of them. So the sums go to C first, scaled and biased, and a loop over the rows, small
  /// enough to keep the constants, finishes them there. A residual may lie where C does: with both,
  /// which no model has, everything is done at once. Where C is bf16, the sums wait on the stack.
  private func finish(_ b: Builder, _ sums: [Value], _ vectors: Int, _ p: Arguments<Parameter>) {
    guard factors != .s8 else { return finishIntegers(b, sums, vectors, p) }
    let lanes = b.target.lanes
    let (c, bias, residual, scales) = (p[.c], p[.bias], p[.residual], p[.scales])
    let counts = (0..<vectors).map { min(lanes, columns - $0 * lanes) }
    let biases = (0..<vectors).map {
      epilogue.hasBias
        ? b.loadFloats(b.offset(bias, bytes: $0 * lanes * 4), lanes, count: counts[$0])
        : b.floats(0, lanes)
    }
    let activatesLater = epilogue.activation != nil && !epilogue.hasResidual
    let size = epilogue.result.sizeBytes
    let waits = activatesLater && epilogue.result != .f32
    let waiting =
      waits ? b.stackMemory(bytes: rows * vectors * lanes * 4, alignment: 64) : c
    for row in 0..<rows {
      let scale =
        epilogue.scalesRows
        ? b.splat(b.load(b.f32, b.offset(scales, bytes: row * 4)), lanes) : b.floats(1, lanes)
      for vector in 0..<vectors {
        var value = sums[row * vectors + vector]
        switch (epilogue.scalesRows, epilogue.hasBias) {
        case (true, true): value = b.multiplyAdd(value, scale, biases[vector])
        case (true, false): value = b.multiplyFloat(value, scale)
        case (false, true): value = b.addFloat(value, biases[vector])
        case (false, false): break
        }
        if !activatesLater { value = b.activate(epilogue.activation, value) }
        if epilogue.hasResidual {
          let address = b.offset(residual, bytes: (row * residualStride + vector * lanes) * 4)
          value = b.addFloat(value, b.loadFloats(address, lanes, count: counts[vector]))
        }
        if waits {
          let place = b.offset(waiting, bytes: (row * vectors + vector) * lanes * 4)
          b.store(value, place, alignment: lanes * 4)
        } else {
          b.storeElements(
            epilogue.result, value, b.offset(c, bytes: (row * cStride + vector * lanes) * size),
            count: counts[vector])
        }
      }
    }
    guard activatesLater else { return }
    b.forLoop(from: b.constant(0), to: b.constant(rows)) { row, _ in
      let line = b.offset(c, b.multiply(row, b.constant(cStride * size)))
      let waitingLine =
        waits ? b.offset(waiting, b.multiply(row, b.constant(vectors * lanes * 4))) : line
      for vector in 0..<vectors {
        let value = b.loadFloats(
          b.offset(waitingLine, bytes: vector * lanes * 4), lanes,
          count: waits ? lanes : counts[vector])
        b.storeElements(
          epilogue.result, b.activate(epilogue.activation, value, for: epilogue.result),
          b.offset(line, bytes: vector * lanes * size), count: counts[vector])
      }
      return []
    }
  }
}
