/// Sums and squared deviations of the columns of a block of rows, in one pass over it.
///
/// The deviations are taken from the first row, `q = sum (x - x_0)^2`, and moved to the mean at
/// the end, `q - s^2 / rows` with `s = sum (x - x_0)`: the first row is one of those described, so
/// what cancels is a few bits at most, wherever the mean lies. Two accumulators for each vector
/// hide the additions' latency; a convolution calls this on rows that it has just written, which
/// still are in the L1 cache.
struct MomentsBlock: Kernel {
  enum Parameter: KernelParameter {
    case x, sums, squares, rows
    var type: ParameterType { self == .rows ? .index : .address }
  }

  /// The columns of the block, one or two vectors.
  var columns: Int
  /// Elements from one row to the next.
  var stride: Int

  var title: String { "moments_block_\(columns)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let counts = Swift.stride(from: 0, to: columns, by: lanes).map { min(lanes, columns - $0) }
    let rows = p[.rows]
    func load(_ row: Value) -> [Value] {
      let line = b.element(p[.x], b.multiply(row, b.constant(stride)))
      return counts.indices.map {
        b.loadFloats(b.offset(line, bytes: $0 * lanes * 4), lanes, count: counts[$0])
      }
    }
    let first = load(b.constant(0))
    // The sums of both accumulators, then their squares; a vector of each after the other.
    let zeros = Array(repeating: b.floats(0, lanes), count: 4 * counts.count)
    func add(_ row: Value, _ accumulator: Int, _ carried: [Value]) -> [Value] {
      var carried = carried
      for (v, x) in load(row).enumerated() {
        let distance = b.subtractFloat(x, first[v])
        let sum = accumulator * counts.count + v
        let square = (2 + accumulator) * counts.count + v
        carried[sum] = b.addFloat(carried[sum], distance)
        carried[square] = b.multiplyAdd(distance, distance, carried[square])
      }
      return carried
    }
    let pairs = b.divide(rows, b.constant(2))
    let even = b.forLoop(from: b.constant(0), to: pairs, carrying: zeros) { pair, carried in
      let row = b.multiply(pair, b.constant(2))
      return add(b.add(row, b.constant(1)), 1, add(row, 0, carried))
    }
    let all = b.forLoop(
      from: b.multiply(pairs, b.constant(2)), to: rows, carrying: even
    ) { row, carried in add(row, 0, carried) }
    let count = b.splat(b.float(of: rows), lanes)
    for v in counts.indices {
      let sum = b.addFloat(all[v], all[counts.count + v])
      let square = b.addFloat(all[2 * counts.count + v], all[3 * counts.count + v])
      let mean = b.divideFloat(sum, count)
      // What is not a number stays so: sums that have left the range of floats.
      let deviation = b.maximumFloat(
        b.floats(0, lanes), b.subtractFloat(square, b.multiplyFloat(sum, mean)))
      let bytes = v * lanes * 4
      b.storeFloats(
        b.multiplyAdd(first[v], count, sum), b.offset(p[.sums], bytes: bytes),
        count: counts[v])
      b.storeFloats(deviation, b.offset(p[.squares], bytes: bytes), count: counts[v])
    }
  }
}

/// The moments of a matrix by chunks of rows; tasks share blocks of one chunk and two vectors.
struct MomentsKernel: StepKernel {
  enum Parameter: StepParameter {
    case x, output, task, count
  }

  var rows: Int
  var columns: Int
  /// The rows of a chunk; the last one may have fewer.
  var chunk: Int
  /// Elements from one row to the next.
  var xStride: Int
  var outputStride: Int

  var title: String { "moments_\(rows)x\(columns)" }

  func division(on target: Target) -> Division {
    Division(((rows - 1) / chunk + 1) * ((columns - 1) / (2 * target.lanes) + 1))
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let width = 2 * b.target.lanes
    let blocks = (columns + width - 1) / width
    let chunks = (rows - 1) / chunk + 1
    let (first, end) = b.share(of: b.constant(chunks * blocks), p[.task], of: p[.count])
    b.forLoop(from: first, to: end) { index, _ in
      let row = b.divide(index, b.constant(blocks))
      let block = b.remainder(index, b.constant(blocks))
      let start = b.multiply(row, b.constant(chunk))
      let bytes = b.multiply(block, b.constant(width * 4))
      func line(_ base: Value, _ row: Value, _ stride: Int) -> Value {
        b.offset(b.element(base, b.multiply(row, b.constant(stride))), bytes)
      }
      let last = columns - (blocks - 1) * width
      let isLast = b.equal(block, b.constant(blocks - 1))
      b.choose(
        b.select(isLast, b.constant(last), b.constant(width)),
        among: Set(blocks > 1 ? [last, width] : [last]).sorted()
      ) { columns in
        b.call(
          MomentsBlock(columns: columns, stride: xStride),
          [
            .x: line(p[.x], start, xStride), .sums: line(p[.output], row, outputStride),
            .squares: line(p[.output], b.add(row, b.constant(chunks)), outputStride),
            .rows: b.minimum(b.constant(chunk), b.subtract(b.constant(rows), start)),
          ])
      }
      return []
    }
  }
}
