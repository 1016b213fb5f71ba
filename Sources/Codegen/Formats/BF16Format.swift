import IR

/// The upper halves of floats: a group is two of them, the first in the lower half.
///
/// With the target's instruction for it a step multiplies groups; elsewhere the first and the
/// second elements are widened to floats, and multiplied one after the other.
///
/// Arm's `bfdot` and `bfmmla` add the two products of a group, which are exact, and then the sum of
/// groups so far: both times what does not fit into a float is cut off and the last bit set if
/// anything was (rounding to odd), which errs by less than 2^-23 of the result where a float's
/// usual rounding errs by half of that at most. Operands and results below 2^-126 are taken for
/// zero.
/// `bfmmla` does for each of its sums what `bfdot` does, one group after the other, so matmuls of
/// few rows and of many have the same bits. (Arm Architecture Reference Manual, `BFDotAdd` and
/// `BFMatMulAddH`; a processor with FEAT_EBF16 does so as well while FPCR.EBF is 0, as it is in
/// Linux.)
struct BF16Format: StoredFormat, PairFormat {
  var element: ElementType { .bf16 }
  var sumsIntegers: Bool { false }

  /// LLVM multiplies by a lane of floats only.
  func groupType(_ b: Builder) -> ValueType { b.target.bf16Dot == .bfdot ? b.f32 : b.i32 }

  func multipliesByLane(on target: Target) -> Bool { target.bf16Dot == .bfdot }

  func left(_ b: Builder, _ groups: Value) -> [Value] {
    if b.target.bf16Dot != nil { return [groups] }
    let lanes = b.lanes(of: groups)
    return [b.shiftLeft(groups, 16), b.and(groups, b.integers(-0x1_0000, lanes))].map {
      b.bitcast($0, to: b.floats(lanes))
    }
  }

  func right(_ b: Builder, _ groups: Value) -> [Value] { left(b, groups) }
  func parts(on target: Target) -> Int { target.bf16Dot != nil ? 1 : 2 }
  func part(_ b: Builder, _ words: Value) -> Value {
    b.bitcast(words, to: b.floats(b.lanes(of: words)))
  }

  func multiplyAdd(_ b: Builder, _ left: [Value], _ right: [Value], _ sum: Value) -> Value {
    switch b.target.bf16Dot {
    case .vdpbf16ps:
      return b.callAsDeclared("llvm.x86.avx512bf16.dpbf16ps.512", [sum] + left + right)
    // What is repeated over a vector becomes a lane as the last operand.
    case .bfdot:
      let halves = b.vector(8, of: b.bf16)
      return b.intrinsic(
        "llvm.aarch64.neon.bfdot", [b.floats(4), halves],
        [sum] + (right + left).map { b.bitcast($0, to: halves) })
    case nil: return zip(left, right).reduce(sum) { b.multiplyAdd($1.0, $1.1, $0) }
    }
  }

  func multiplyPairs(_ b: Builder, _ left: Value, _ right: Value, _ sum: Value) -> Value {
    b.callAsDeclared("llvm.aarch64.neon.bfmmla", [sum, left, right])
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
  /// x86's instruction for it takes numbers below 2^-126, which have no place in a model, for zero.
  private func rounded(_ b: Builder, _ value: Value) -> Value {
    let lanes = b.lanes(of: value)
    let halves = b.vector(lanes, of: b.i16)
    switch (b.target.bf16Dot, lanes) {
    case (.vdpbf16ps, 16):
      return b.bitcast(
        b.intrinsic("llvm.x86.avx512bf16.cvtneps2bf16.512", [], [value]), to: halves)
    case (.bfdot, 4):
      // The upper half of the result is zero.
      let eight = b.callAsDeclared("llvm.aarch64.neon.bfcvtn", [value])
      return b.shuffle(b.bitcast(eight, to: b.vector(8, of: b.i16)), [0, 1, 2, 3])
    default: break
    }
    let bits = b.bitcast(value, to: b.vector(lanes, of: b.i32))
    let last = b.and(b.shiftRight(bits, 16), b.integers(1, lanes))
    let rounded = b.wrappingAdd(bits, b.wrappingAdd(last, b.integers(0x7fff, lanes)))
    let quiet = b.or(bits, b.integers(0x40_0000, lanes))
    let upper = b.shiftRight(b.select(b.isNumber(value), rounded, quiet), 16)
    return b.truncate(upper, to: halves)
  }
}
