import IR

/// The upper halves of floats: a group is two of them, the first in the lower half.
///
/// With the target's instruction for it a step multiplies groups; elsewhere the first and the
/// second elements are widened to floats, and multiplied one after the other.
struct BF16Format: StoredFormat {
  var element: ElementType { .bf16 }
  var sumsIntegers: Bool { false }

  func groupType(_ b: Builder) -> ValueType { b.i32 }

  func left(_ b: Builder, _ groups: Value) -> [Value] {
    if b.target.hasBF16Dot { return [groups] }
    let lanes = b.lanes(of: groups)
    return [b.shiftLeft(groups, 16), b.and(groups, b.integers(-0x1_0000, lanes))].map {
      b.bitcast($0, to: b.floats(lanes))
    }
  }

  func right(_ b: Builder, _ groups: Value) -> [Value] { left(b, groups) }
  func parts(on target: Target) -> Int { target.hasBF16Dot ? 1 : 2 }
  func part(_ b: Builder, _ words: Value) -> Value {
    b.bitcast(words, to: b.floats(b.lanes(of: words)))
  }

  func multiplyAdd(_ b: Builder, _ left: [Value], _ right: [Value], _ sum: Value) -> Value {
    guard b.target.hasBF16Dot else {
      return zip(left, right).reduce(sum) { b.multiplyAdd($1.0, $1.1, $0) }
    }
    return b.callAsDeclared("llvm.x86.avx512bf16.dpbf16ps.512", [sum] + left + right)
  }

  func preparation(of rows: LeftRows) -> (any PreparedRow)? {
    // Rows of another type, or that begin or end within a group, or are read for their norm.
    let isReady =
      rows.element == element && rows.columns % perGroup == 0 && rows.stride % perGroup == 0
      && rows.epsilon == nil
    return isReady
      ? nil
      : RoundedRow(
        result: element, columns: rows.columns, element: rows.element, epsilon: rows.epsilon)
  }

  func load(_ b: Builder, _ address: Value, _ lanes: Int, count: Int) -> Value {
    b.bitcast(b.shiftLeft(loadHalves(b, address, lanes, count: count), 16), to: b.floats(lanes))
  }

  func store(_ b: Builder, _ value: Value, _ address: Value, count: Int) {
    b.storeMasked(rounded(b, value), address, count: count, alignment: 2)
  }

  func round(_ b: Builder, _ value: Value) -> Value {
    let lanes = b.lanes(of: value)
    let halves = b.zeroExtend(rounded(b, value), to: b.vector(lanes, of: b.i32))
    return b.bitcast(b.shiftLeft(halves, 16), to: b.floats(lanes))
  }

  func loadGroups(_ b: Builder, rows: [Value], _ lanes: Int, count: Int) -> Value {
    let halves = rows.map { loadHalves(b, $0, lanes, count: count) }
    return halves.count == 2 ? b.or(halves[0], b.shiftLeft(halves[1], 16)) : halves[0]
  }

  func activate(_ b: Builder, _ function: ActivationFunction?, _ x: Value) -> Value {
    b.activateBriefly(function, x) ?? b.activate(function, x)
  }

  func exp2InRange(_ b: Builder, _ x: Value) -> Value {
    b.scalesByPowers(x) ? b.shortExp2(x) : b.exp2InRange(x)
  }

  /// Elements as 32-bit integers, the upper half of each zero.
  private func loadHalves(_ b: Builder, _ address: Value, _ lanes: Int, count: Int) -> Value {
    b.zeroExtend(
      b.loadMasked(b.vector(lanes, of: b.i16), address, count: count, alignment: 2),
      to: b.vector(lanes, of: b.i32))
  }

  /// The upper halves of floats rounded to the nearest bf16, of two to the even one.
  ///
  /// The instruction for it takes numbers below 2^-126, which have no place in a model, for zero.
  private func rounded(_ b: Builder, _ value: Value) -> Value {
    let lanes = b.lanes(of: value)
    let halves = b.vector(lanes, of: b.i16)
    if b.target.hasBF16Dot, lanes == 16 {
      return b.bitcast(
        b.intrinsic("llvm.x86.avx512bf16.cvtneps2bf16.512", [], [value]), to: halves)
    }
    let bits = b.bitcast(value, to: b.vector(lanes, of: b.i32))
    let last = b.and(b.shiftRight(bits, 16), b.integers(1, lanes))
    let rounded = b.wrappingAdd(bits, b.wrappingAdd(last, b.integers(0x7fff, lanes)))
    let quiet = b.or(bits, b.integers(0x40_0000, lanes))
    let upper = b.shiftRight(b.select(b.isNumber(value), rounded, quiet), 16)
    return b.truncate(upper, to: halves)
  }
}
