/// The softmax of one row: `b^(scale * x - max)`, divided by its sum or not.
struct SoftmaxRow {
  let columns: Int
  var scale: Float = 1
  /// `true` iff the base is 2, else e.
  var base2 = false
  /// `true` iff the row is divided by its sum; otherwise the caller does it.
  var divides = true

  /// Returns the function `(x, y) -> sum`, whose arguments may be equal.
  func function(_ b: Builder) -> Function {
    let name =
      "softmax_row_f32_\(columns)" + (base2 ? "_base2" : "") + (divides ? "" : "_undivided")
      + (scale == 1 ? "" : "_scale\(scale.bitPattern)")
    return b.define(name, [b.pointer, b.pointer], returning: b.f32) { arguments in
      b.returnValue(emit(b, arguments[0], arguments[1]))
    }
  }

  private func emit(_ b: Builder, _ x: Value, _ y: Value) -> Value {
    let lanes = b.target.lanes
    // All in units of log2: one multiplication more, where it is not 1.
    let factor = base2 ? scale : scale * 1.4426950408889634
    let lowest = b.floats(-.infinity, lanes)
    func exponents(_ bytes: Value, _ count: Int) -> Value {
      let scores = b.loadFloats(b.offset(x, bytes), lanes, count: count)
      let scaled = factor == 1 ? scores : b.multiplyFloat(scores, b.floats(factor, lanes))
      return count < lanes ? b.select(b.mask(first: count, of: lanes), scaled, lowest) : scaled
    }
    let maxima = b.visitRow(columns: columns, sums: lowest) { bytes, count, largest in
      b.maximumFloat(exponents(bytes, count), largest)
    }
    let largest = b.splat(
      b.reduce(b.pairwise(maxima, b.maximumFloat), b.maximumFloat), lanes)
    let zero = b.floats(0, lanes)
    let sums = b.visitRow(columns: columns, sums: zero) { bytes, count, sum in
      var power = b.exp2(b.subtractFloat(exponents(bytes, count), largest))
      if count < lanes { power = b.select(b.mask(first: count, of: lanes), power, zero) }
      b.storeFloats(power, b.offset(y, bytes), count: count)
      return b.addFloat(sum, power)
    }
    let sum = b.total(sums)
    guard divides else { return sum }
    let inverse = b.splat(b.divideFloat(b.float(1), sum), lanes)
    b.visitRow(columns: columns) { bytes, count in
      let address = b.offset(y, bytes)
      b.storeFloats(
        b.multiplyFloat(b.loadFloats(address, lanes, count: count), inverse), address,
        count: count)
    }
    return sum
  }
}
