import IR

/// The scale and shift of each channel from moments, in double; tasks share the groups.
///
/// With `s` and `q` the moments of a chunk of `n` rows, `sum (q + s^2 / n) - (sum s)^2 / N` is the
/// squared deviation from the mean of the group: what cancels there cancels in double.
struct GroupScaleShiftKernel: StepKernel {
  enum Parameter: StepParameter {
    case moments, gamma, beta, output, scratch, task, count
  }

  var op: GroupScaleShift
  var channels: Int
  /// Elements from one row to the next.
  var momentsStride: Int
  var outputStride: Int

  /// The scratch memory of one task: two doubles for each channel.
  var scratchBytes: Int { 2 * channels * 8 }

  var title: String { "group_scale_shift_\(channels)_\(op.groups)" }

  func division(on target: Target) -> Division {
    Division(op.groups)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let width = b.constant(channels / op.groups)
    let (first, end) = b.share(of: b.constant(op.groups), p[.task], of: p[.count])
    sumChunks(b, p, from: b.multiply(first, width), to: b.multiply(end, width))
    b.forLoop(from: first, to: end) { group, _ in
      scaleShift(b, p, b.multiply(group, width))
      return []
    }
  }

  /// Emits the sums over the chunks for a range of channels, into the scratch memory.
  private func sumChunks(_ b: Builder, _ p: Arguments<Parameter>, from first: Value, to end: Value)
  {
    let lanes = b.target.lanes
    let full = b.divide(b.subtract(end, first), b.constant(lanes))
    let afterLast = b.add(first, b.multiply(full, b.constant(lanes)))
    b.forLoop(from: b.constant(0), to: full) { index, _ in
      sumChunks(b, p, b.add(first, b.multiply(index, b.constant(lanes))), lanes: lanes)
      return []
    }
    b.forLoop(from: afterLast, to: end) { channel, _ in
      sumChunks(b, p, channel, lanes: 1)
      return []
    }
  }

  private func sumChunks(_ b: Builder, _ p: Arguments<Parameter>, _ channel: Value, lanes: Int) {
    let chunks = Moments.chunks(rows: op.rows, chunk: op.chunk)
    let last = op.rows - (chunks - 1) * op.chunk
    func add(_ chunk: Value, _ rows: Int, _ carried: [Value]) -> [Value] {
      let line = b.element(
        p[.moments], b.add(b.multiply(chunk, b.constant(momentsStride)), channel))
      let s = b.double(b.load(b.floats(lanes), line))
      let q = b.double(
        b.load(b.floats(lanes), b.offset(line, bytes: chunks * momentsStride * 4)))
      let part = b.multiplyFloat(b.multiplyFloat(s, s), b.doubles(1 / Double(rows), lanes))
      return [b.addFloat(carried[0], s), b.addFloat(carried[1], b.addFloat(q, part))]
    }
    let zero = b.doubles(0, lanes)
    let most = b.forLoop(
      from: b.constant(0), to: b.constant(chunks - 1), carrying: [zero, zero]
    ) { chunk, carried in add(chunk, op.chunk, carried) }
    let sums = add(b.constant(chunks - 1), last, most)
    let place = b.offset(p[.scratch], b.multiply(channel, b.constant(8)))
    b.store(sums[0], place, alignment: 8)
    b.store(sums[1], b.offset(place, bytes: channels * 8), alignment: 8)
  }

  /// Emits scale and shift of the group whose first channel is `first`.
  private func scaleShift(_ b: Builder, _ p: Arguments<Parameter>, _ first: Value) {
    let width = channels / op.groups
    let count = Double(op.rows) * Double(width)
    let end = b.add(first, b.constant(width))
    // The largest vector that divides a group.
    let lanes = [16, 8, 4, 2, 1].first { $0 <= b.target.lanes && width % $0 == 0 } ?? 1
    let zero = b.doubles(0, lanes)
    let sums = b.forLoop(
      from: first, to: end, step: lanes, carrying: [zero, zero]
    ) { channel, carried in
      let place = b.offset(p[.scratch], b.multiply(channel, b.constant(8)))
      return (0..<2).map {
        let part = b.offset(place, bytes: $0 * channels * 8)
        return b.addFloat(carried[$0], b.load(b.doubles(lanes), part, alignment: 8))
      }
    }
    let mean = b.divideFloat(b.reduce(sums[0], b.addFloat), b.doubles(count, 1))
    let squares = b.divideFloat(b.reduce(sums[1], b.addFloat), b.doubles(count, 1))
    let difference = b.subtractFloat(squares, b.multiplyFloat(mean, mean))
    // What is not a number stays so, and a sum that is not finite becomes so: its inverse would be
    // zero, and nobody would notice.
    let variance = b.maximumFloat(b.doubles(0, 1), difference)
    let root = b.squareRoot(b.addFloat(variance, b.doubles(Double(op.epsilon), 1)))
    let inverse = b.splat(
      b.addFloat(
        b.divideFloat(b.doubles(1, 1), root), b.multiplyFloat(squares, b.doubles(0, 1))),
      lanes)
    let means = b.splat(mean, lanes)
    b.forLoop(from: first, to: end, step: lanes) { channel, _ in
      func value(_ vector: Value) -> Value {
        b.double(b.load(b.floats(lanes), b.element(vector, channel)))
      }
      let scale = b.multiplyFloat(value(p[.gamma]), inverse)
      let shift = b.subtractFloat(value(p[.beta]), b.multiplyFloat(means, scale))
      let place = b.element(p[.output], channel)
      b.store(b.single(scale), place)
      b.store(b.single(shift), b.offset(place, bytes: outputStride * 4))
      return []
    }
  }
}
