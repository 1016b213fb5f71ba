/// The softmax of one row to base e: `e^(x - max)`, divided by its sum.
struct SoftmaxRow: Kernel {
  enum Parameter: KernelParameter {
    /// The row, and where the result goes, which may be the same place.
    case x, y
  }

  var columns: Int

  var title: String { "softmax_row_\(columns)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let (x, y) = (p[.x], p[.y])
    let lanes = b.target.lanes
    let exponents = SoftmaxExponents()
    let largest = b.splat(exponents.maximum(b, x, columns: columns), lanes)
    let sums = exponents.powers(b, of: x, below: largest, to: y, columns: columns)
    let inverse = b.splat(b.divideFloat(b.float(1), b.total(sums)), lanes)
    b.visitRow(columns: columns) { bytes, count in
      let address = b.offset(y, bytes)
      b.storeFloats(
        b.multiplyFloat(b.loadFloats(address, lanes, count: count), inverse), address,
        count: count)
    }
  }
}

/// The exponents of a row's softmax, in units of log2: one multiplication, where it is not by 1.
struct SoftmaxExponents: Hashable {
  var scale: Float = 1
  /// `true` iff the base is 2, else e.
  var base2 = false

  /// What a score is multiplied by.
  var factor: Float { base2 ? scale : scale * 1.4426950408889634 }

  /// Emits the exponents, to which something is added that is in units of the base.
  func adding(_ b: Builder, _ added: Value, to exponents: Value) -> Value {
    base2
      ? b.addFloat(exponents, added)
      : b.multiplyAdd(added, b.floats(1.4426950408889634, b.target.lanes), exponents)
  }

  /// Emits the exponents of a vector of scores; beyond `count` they are minus infinity.
  func exponents(_ b: Builder, _ scores: Value, count: Int) -> Value {
    let lanes = b.target.lanes
    let scaled = factor == 1 ? scores : b.multiplyFloat(scores, b.floats(factor, lanes))
    guard count < lanes else { return scaled }
    return b.select(b.mask(first: count, of: lanes), scaled, b.floats(-.infinity, lanes))
  }

  private func load(_ b: Builder, _ address: Value, count: Int) -> Value {
    exponents(b, b.loadFloats(address, b.target.lanes, count: count), count: count)
  }

  /// Emits the largest exponent of a row.
  func maximum(_ b: Builder, _ row: Value, columns: Int) -> Value {
    let least = b.floats(-.infinity, b.target.lanes)
    let maxima = b.visitRow(columns: columns, sums: least) { bytes, count, largest in
      b.maximumFloat(load(b, b.offset(row, bytes), count: count), largest)
    }
    return b.reduce(b.pairwise(maxima, b.maximumFloat), b.maximumFloat)
  }

  /// Emits the powers of a row's exponents less `largest`, and returns vectors of their sums.
  func powers(
    _ b: Builder, of x: Value, below largest: Value, to y: Value, columns: Int
  ) -> [Value] {
    let lanes = b.target.lanes
    let zero = b.floats(0, lanes)
    return b.visitRow(columns: columns, sums: zero) { bytes, count, sum in
      let exponent = load(b, b.offset(x, bytes), count: count)
      var power = b.exp2OfNegative(b.subtractFloat(exponent, largest))
      if count < lanes { power = b.select(b.mask(first: count, of: lanes), power, zero) }
      b.storeFloats(power, b.offset(y, bytes), count: count)
      return b.addFloat(sum, power)
    }
  }
}
