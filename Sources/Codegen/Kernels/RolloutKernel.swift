/// A row times a square of attention weights, averaged with the row itself.
///
/// Tasks share the columns; a vector of them is summed over all rows in four sums, which take
/// turns. It reads the square once, and that is its cost: it is in the cache, or in memory, as the
/// layer left it.
struct RolloutKernel: StepKernel {
  enum Parameter: StepParameter {
    case v, weights, output, task, count
  }

  var tokens: Int
  /// Elements from one row of the weights to the next.
  var stride: Int

  var title: String { "rollout_\(tokens)" }

  func division(on target: Target) -> Division {
    Division(vectors: tokens, on: target)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    b.forColumns(tokens, p[.task], of: p[.count]) { emit(b, p, $0, count: $1) }
  }

  /// Emits one vector of columns, `bytes` from the start of each row.
  private func emit(_ b: Builder, _ p: Arguments<Parameter>, _ bytes: Value, count: Int) {
    let lanes = b.target.lanes
    let ways = min(4, tokens)
    func added(_ row: Value, to sum: Value) -> Value {
      let factor = b.splat(b.load(b.f32, b.element(p[.v], row)), lanes)
      let line = b.element(p[.weights], b.multiply(row, b.constant(stride)))
      return b.multiplyAdd(
        factor, b.loadFloats(b.offset(line, bytes), lanes, count: count), sum)
    }
    let whole = tokens / ways * ways
    var sums = b.forLoop(
      from: b.constant(0), to: b.constant(whole), step: ways,
      carrying: Array(repeating: b.floats(0, lanes), count: ways)
    ) { row, sums in
      (0..<ways).map { added(b.add(row, b.constant($0)), to: sums[$0]) }
    }
    for row in whole..<tokens { sums[row % ways] = added(b.constant(row), to: sums[row % ways]) }
    let own = b.loadFloats(b.offset(p[.v], bytes), lanes, count: count)
    let sum = b.addFloat(own, b.pairwise(sums, b.addFloat))
    b.storeFloats(
      b.multiplyFloat(sum, b.floats(0.5, lanes)), b.offset(p[.output], bytes), count: count)
  }
}
