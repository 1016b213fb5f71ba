import IR

/// IEEE 754 binary16: a group is two of them, the first in the lower half.
///
/// Numbers are widened to floats and multiplied one after the other, by integer operations that
/// every target has.
struct F16Format: StoredFormat {
  var element: ElementType { .f16 }
  var sumsIntegers: Bool { false }

  func groupType(_ b: Builder) -> ValueType { b.i32 }

  func left(_ b: Builder, _ groups: Value) -> [Value] {
    let lanes = b.lanes(of: groups)
    return [
      widened(b, b.and(groups, b.integers(0xffff, lanes))), widened(b, b.shiftRight(groups, 16)),
    ]
  }

  func right(_ b: Builder, _ groups: Value) -> [Value] { left(b, groups) }
  func parts(on target: Target) -> Int { 2 }
  func part(_ b: Builder, _ words: Value) -> Value {
    b.bitcast(words, to: b.floats(b.lanes(of: words)))
  }

  func multiplyAdd(_ b: Builder, _ left: [Value], _ right: [Value], _ sum: Value) -> Value {
    zip(left, right).reduce(sum) { b.multiplyAdd($1.0, $1.1, $0) }
  }

  func preparation(of rows: LeftRows) -> (any PreparedRow)? {
    let isReady =
      rows.element == element && rows.columns % perGroup == 0 && rows.stride % perGroup == 0
      && rows.epsilon == nil
    return isReady
      ? nil
      : RoundedRow(
        result: element, columns: rows.columns, element: rows.element, epsilon: rows.epsilon)
  }

  func load(_ b: Builder, _ address: Value, _ lanes: Int, count: Int) -> Value {
    widened(b, loadHalves(b, address, lanes, count: count))
  }

  func store(_ b: Builder, _ value: Value, _ address: Value, count: Int) {
    let halves = b.vector(b.lanes(of: value), of: b.i16)
    b.storeMasked(
      b.truncate(rounded(b, value), to: halves), address, count: count, alignment: 2)
  }

  func round(_ b: Builder, _ value: Value) -> Value { widened(b, rounded(b, value)) }

  /// The numbers that floats are rounded to, as 32-bit integers, the upper half of each zero.
  private func rounded(_ b: Builder, _ value: Value) -> Value {
    let lanes = b.lanes(of: value)
    let bits = b.bitcast(value, to: b.vector(lanes, of: b.i32))
    let magnitude = b.and(bits, b.integers(0x7fff_ffff, lanes))
    let sign = b.shiftLeft(b.and(b.shiftRight(bits, 31), b.integers(1, lanes)), 15)
    // The exponent's bias becomes 15; ties go to the even neighbour.
    let odd = b.and(b.shiftRight(magnitude, 13), b.integers(1, lanes))
    let normal = b.shiftRight(
      b.wrappingAdd(b.wrappingAdd(magnitude, odd), b.integers(0xfff - (112 << 23), lanes)), 13)
    // Below 2^-14 adding 1/2 leaves the multiple of 2^-24 in the low bits.
    let small = b.wrappingAdd(
      b.bitcast(
        b.addFloat(b.bitcast(magnitude, to: b.floats(lanes)), b.floats(0.5, lanes)),
        to: b.vector(lanes, of: b.i32)), b.integers(-0x3f00_0000, lanes))
    let infinity = b.select(
      b.less(b.integers(0x7f80_0000, lanes), magnitude), b.integers(0x7e00, lanes),
      b.integers(0x7c00, lanes))
    let finite = b.select(b.less(magnitude, b.integers(0x3880_0000, lanes)), small, normal)
    let all = b.select(b.less(b.integers(0x477f_efff, lanes), magnitude), infinity, finite)
    return b.or(all, sign)
  }

  func loadGroups(_ b: Builder, rows: [Value], _ lanes: Int, count: Int) -> Value {
    let halves = rows.map { loadHalves(b, $0, lanes, count: count) }
    return halves.count == 2 ? b.or(halves[0], b.shiftLeft(halves[1], 16)) : halves[0]
  }

  func activate(_ b: Builder, _ function: ActivationFunction?, _ x: Value) -> Value {
    b.activate(function, x)
  }

  func exp2InRange(_ b: Builder, _ x: Value) -> Value { b.exp2InRange(x) }

  private func loadHalves(_ b: Builder, _ address: Value, _ lanes: Int, count: Int) -> Value {
    b.zeroExtend(
      b.loadMasked(b.vector(lanes, of: b.i16), address, count: count, alignment: 2),
      to: b.vector(lanes, of: b.i32))
  }

  /// Floats of the same values: the fraction and exponent shifted, times 2^112, which makes
  /// subnormal numbers right too.
  private func widened(_ b: Builder, _ halves: Value) -> Value {
    let lanes = b.lanes(of: halves)
    let magnitude = b.and(halves, b.integers(0x7fff, lanes))
    let scaled = b.bitcast(
      b.multiplyFloat(
        b.bitcast(b.shiftLeft(magnitude, 13), to: b.floats(lanes)), b.floats(0x1p112, lanes)),
      to: b.type(of: halves))
    let special = b.select(
      b.less(b.integers(0x7bff, lanes), magnitude), b.integers(0x7f80_0000, lanes),
      b.integers(0, lanes))
    let sign = b.shiftLeft(b.and(halves, b.integers(0x8000, lanes)), 16)
    return b.bitcast(b.or(b.or(scaled, special), sign), to: b.floats(lanes))
  }
}
