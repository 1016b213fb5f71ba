/// How a tile walks over the image of a convolution instead of a matrix.
///
/// Each sum goes over `runs` runs of `depth` consecutive elements, three loops of them: the lines
/// of the window, its pixels, and parts of a pixel's channels; for a planar image channels, lines
/// and one. Rows of the tile are pixels of the result, `line` of them in each line of the image.
/// All distances are known at compile time: they become displacements of addresses, and no patch
/// is ever gathered.
struct Walk: Hashable {
  /// How many runs the three loops go over, outermost first.
  var counts = [1, 1, 1]
  /// Elements from one run to the next, of each loop.
  var strides = [0, 0, 0]
  /// The rows of the tile in one line of the image; 0: all of them.
  var line = 0
  /// Elements from one line of rows to the next.
  var lineStride = 0
  /// Where in its line the first row of the tile stands.
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
  /// Elements from the first row of A to row `row`.
  func rowOffset(_ row: Int) -> Int {
    guard walk.line > 0 else { return row * aStride }
    let place = walk.start + row
    return place / walk.line * walk.lineStride + (place % walk.line - walk.start) * aStride
  }

  /// The runs of one part of a sum.
  private var runsPerPart: Int { min(walk.runs, max(1, part * chains / depth)) }

  /// Emits the sums over all runs; parts of several runs are added up in memory.
  func sumOverRuns(_ b: Builder, _ p: Arguments<Parameter>) -> [Value] {
    let lanes = b.target.lanes
    let vectors = (columns + lanes - 1) / lanes
    let zeros = Array(repeating: b.floats(0, lanes), count: chains * rows * vectors)
    let runs = b.constant(walk.runs)
    let start = [p[.panel], p[.ahead]]
    guard runsPerPart < walk.runs else {
      return Array(part(b, from: b.constant(0), to: runs, start, zeros, p)[2...])
    }
    let totals = b.stackMemory(bytes: zeros.count * lanes * 4, alignment: 64)
    func total(_ index: Int) -> Value { b.offset(totals, bytes: index * lanes * 4) }
    for (index, zero) in zeros.enumerated() { b.store(zero, total(index), alignment: lanes * 4) }
    b.forLoop(from: b.constant(0), to: runs, step: runsPerPart, carrying: start) { first, carried in
      let end = b.minimum(b.add(first, b.constant(runsPerPart)), runs)
      let next = part(b, from: first, to: end, carried, zeros, p)
      for (index, sum) in next[2...].enumerated() {
        let before = b.load(b.floats(lanes), total(index), alignment: lanes * 4)
        b.store(b.addFloat(before, sum), total(index), alignment: lanes * 4)
      }
      return Array(next[..<2])
    }
    return zeros.indices.map { b.load(b.floats(lanes), total($0), alignment: lanes * 4) }
  }

  /// Emits runs; takes and returns the addresses of the panel and of what is prefetched, the sums
  /// follow.
  private func part(
    _ b: Builder, from start: Value, to end: Value, _ addresses: [Value], _ sums: [Value],
    _ p: Arguments<Parameter>
  ) -> [Value] {
    b.forLoop(from: start, to: end, carrying: addresses + sums) { run, carried in
      let a = b.offset(p[.a], walk.offset(b, run))
      var (panel, ahead, sums) = (carried[0], carried[1], Array(carried[2...]))
      var rest = depth
      var place = a
      // A short run, as a line of a planar window, has no loop of its own.
      if rounds > 2 {
        let inner = loop(
          b, from: b.constant(0), to: b.constant(rounds), [a, panel, ahead], sums, p[.step])
        (place, panel, ahead, sums) = (inner[0], inner[1], inner[2], Array(inner[3...]))
        rest = depth % unroll
      } else if bringers > 0 {
        for _ in 0..<rounds {
          for line in 0..<prefetchedLines {
            b.prefetch(b.offset(ahead, bytes: line * Tile.lineBytes))
          }
          ahead = b.offset(ahead, p[.step])
        }
      }
      steps(b, rest, place, panel, &sums)
      return [b.offset(panel, bytes: rest * Tile.panelWidth * 4), ahead] + sums
    }
  }
}
