import IR

/// Loops over the elements of one row.
extension Builder {
  /// Visits `columns` floats vector by vector.
  ///
  /// `body` gets the distance from the row's start in bytes, the number of lanes that count (fewer
  /// than all in the last vector only), and one of `sums`; it returns the new sum. Four sums take
  /// turns, so that their latencies overlap; which vector goes to which is fixed by `columns`.
  func visitRow(
    columns: Int, sums initial: Value, _ body: (_ bytes: Value, _ count: Int, Value) -> Value
  ) -> [Value] {
    let lanes = target.lanes
    let (full, tail) = (columns / lanes, columns % lanes)
    let ways = 4
    var sums = Array(repeating: initial, count: min(ways, max(1, full + (tail > 0 ? 1 : 0))))
    let rounds = full / ways
    func visit(_ bytes: Value, _ count: Int, _ way: Int, _ sums: inout [Value]) {
      sums[way] = body(bytes, count, sums[way])
    }
    if rounds > 0 {
      sums = forLoop(from: constant(0), to: constant(rounds), carrying: sums) { round, carried in
        var sums = carried
        let start = multiply(round, constant(ways * lanes * 4))
        for way in 0..<ways {
          visit(add(start, constant(way * lanes * 4)), lanes, way, &sums)
        }
        return sums
      }
    }
    for vector in rounds * ways..<full {
      visit(constant(vector * lanes * 4), lanes, vector % ways, &sums)
    }
    if tail > 0 { visit(constant(full * lanes * 4), tail, full % ways, &sums) }
    return sums
  }

  /// Visits `columns` floats vector by vector, for what `body` stores.
  func visitRow(columns: Int, _ body: (_ bytes: Value, _ count: Int) -> Void) {
    _ = visitRow(columns: columns, sums: constant(0)) { bytes, count, unused in
      body(bytes, count)
      return unused
    }
  }

  /// The sum of all lanes of all sums.
  func total(_ sums: [Value]) -> Value {
    reduce(pairwise(sums, addFloat), addFloat)
  }

  /// Combines values by halves.
  func pairwise(_ values: [Value], _ combine: (Value, Value) -> Value) -> Value {
    var rest = values
    while rest.count > 1 {
      let half = (rest.count + 1) / 2
      for i in half..<rest.count { rest[i - half] = combine(rest[i - half], rest[i]) }
      rest.removeLast(rest.count - half)
    }
    return rest.first ?? float(0)
  }
}

/// The factor of a row whose mean is zero already: `1 / sqrt(mean(x^2) + epsilon)`.
struct RowNorm {
  let columns: Int
  let epsilon: Float

  /// Emits it for the row at `address`.
  func inverseRoot(_ b: Builder, _ address: Value) -> Value {
    let lanes = b.target.lanes
    let sums = b.visitRow(columns: columns, sums: b.floats(0, lanes)) { bytes, count, sum in
      let x = b.loadFloats(b.offset(address, bytes), lanes, count: count)
      return b.multiplyAdd(x, x, sum)
    }
    return finish(b, b.total(sums))
  }

  /// Emits `1 / sqrt(sum / columns + epsilon)`.
  func finish(_ b: Builder, _ sum: Value) -> Value {
    let mean = b.divideFloat(sum, b.float(Float(columns)))
    return b.divideFloat(b.float(1), b.squareRoot(b.addFloat(mean, b.float(epsilon))))
  }
}
