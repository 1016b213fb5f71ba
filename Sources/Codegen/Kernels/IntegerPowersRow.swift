import IR

/// The powers of a row of exponents below its maximum, as bytes (``QuantizedAttention``): at the
/// row's own place, of which they take the first quarter.
///
/// What is written lies where has been read. Besides, what the products of the bytes are scaled by:
/// 1 / 255 over the sum of the powers, and zero.
struct IntegerPowersRow: Kernel {
  enum Parameter: KernelParameter {
    /// The row, and its two numbers.
    case row, numbers
  }

  /// The tokens of the row.
  var columns: Int
  /// What makes exponents of the row's scores.
  var exponents = SoftmaxExponents()

  var title: String { "integer_powers_\(columns)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let largest = b.splat(exponents.maximum(b, p[.row], columns: columns), lanes)
    let shifts = b.data(
      "dither_\(columns)",
      (0..<columns).map { Dither.shift($0).bitPattern })
    let one = b.floats(1, lanes)
    let sums = b.visitRow(columns: columns, sums: b.floats(0, lanes)) { bytes, count, sum in
      let score = b.loadFloats(b.offset(p[.row], bytes), lanes, count: count)
      let exponent = exponents.exponents(b, score, count: count)
      var power = b.exp2OfNegative(b.subtractFloat(exponent, largest))
      if count < lanes {
        power = b.select(b.mask(first: count, of: lanes), power, b.floats(0, lanes))
      }
      let shift = b.loadFloats(b.offset(shifts, bytes), lanes, count: count)
      S8Format.storeLeft(
        b, b.multiplyAdd(power, b.floats(255, lanes), shift), times: one,
        b.offset(p[.row], b.divide(bytes, b.constant(4))), count: count)
      return b.addFloat(sum, power)
    }
    b.store(
      b.divideFloat(b.float(1 / 255), b.total(sums)), p[.numbers])
    b.store(b.float(0), b.offset(p[.numbers], bytes: 4))
  }
}
