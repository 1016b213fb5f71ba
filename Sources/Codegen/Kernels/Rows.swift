import IR

/// Loops over the elements of one row.
extension Builder {
  /// Visits `columns` floats vector by vector.
  ///
  /// `body` gets the distance from the row's start in bytes, the number of lanes that count (fewer
  /// than all in the last vector only), and what one of four ways carries; it returns what that
  /// carries then. The ways take turns, so that their latencies overlap; which vector goes to which
  /// is fixed by `columns`.
  func visitRow(
    columns: Int, carrying initial: [Value],
    _ body: (_ bytes: Value, _ count: Int, [Value]) -> [Value]
  ) -> [[Value]] {
    let lanes = target.lanes
    let (full, tail) = (columns / lanes, columns % lanes)
    let (most, rounds) = (4, columns / lanes / 4)
    var ways = Array(repeating: initial, count: min(most, max(1, full + (tail > 0 ? 1 : 0))))
    if rounds > 0 {
      let flat = forLoop(
        from: constant(0), to: constant(rounds), carrying: ways.flatMap(\.self)
      ) { round, carried in
        let start = multiply(round, constant(most * lanes * 4))
        return (0..<most).flatMap { way in
          body(
            add(start, constant(way * lanes * 4)), lanes,
            Array(carried[way * initial.count..<(way + 1) * initial.count]))
        }
      }
      for way in ways.indices {
        ways[way] = Array(flat[way * initial.count..<(way + 1) * initial.count])
      }
    }
    for vector in rounds * most..<full {
      ways[vector % most] = body(constant(vector * lanes * 4), lanes, ways[vector % most])
    }
    if tail > 0 {
      ways[full % most] = body(constant(full * lanes * 4), tail, ways[full % most])
    }
    return ways
  }

  /// The same where each way carries one sum.
  func visitRow(
    columns: Int, sums initial: Value, _ body: (_ bytes: Value, _ count: Int, Value) -> Value
  ) -> [Value] {
    visitRow(columns: columns, carrying: [initial]) { [body($0, $1, $2[0])] }.map { $0[0] }
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

/// The scale of a row whose mean is zero already: `1 / sqrt(mean(x^2) + epsilon)`.
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

  /// Emits `1 / sqrt(sum / columns + epsilon)`, not a number where the sum is not finite.
  ///
  /// The inverse of a sum that has left the range of floats would be zero, and so the row, which
  /// nobody would notice after the next bias.
  func finish(_ b: Builder, _ sum: Value) -> Value {
    let mean = b.divideFloat(sum, b.float(Float(columns)))
    let scale = b.divideFloat(b.float(1), b.squareRoot(b.addFloat(mean, b.float(epsilon))))
    return b.multiplyAdd(sum, b.float(0), scale)
  }
}
