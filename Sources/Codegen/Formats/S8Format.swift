import IR

/// 8-bit integers: a group is four, without a sign on the left, with one on the right.
///
/// Products are exact. With the target's instruction for it a step multiplies groups; on other
/// x86 processors it makes products of 16 bits, which hold 255 * 127, where an instruction that
/// adds two of them in 16 bits would saturate; elsewhere it multiplies the elements one by one.
struct S8Format: NumberFormat {
  var element: ElementType { .s8 }
  var sumsIntegers: Bool { true }

  func groupType(_ b: Builder) -> ValueType { b.i32 }

  func left(_ b: Builder, _ groups: Value) -> [Value] {
    if b.target.hasInt8Dot { return [groups] }
    let lanes = b.lanes(of: groups)
    guard b.target.isX86 else {
      return (0..<4).map { b.and(b.shiftRight(groups, 8 * $0), b.integers(0xff, lanes)) }
    }
    let mask = b.integers(0x00ff_00ff, lanes)
    return [b.and(groups, mask), b.and(b.shiftRight(groups, 8), mask)].map {
      b.bitcast($0, to: b.vector(2 * lanes, of: b.i16))
    }
  }

  func right(_ b: Builder, _ groups: Value) -> [Value] {
    if b.target.hasInt8Dot { return [groups] }
    let lanes = b.lanes(of: groups)
    guard b.target.isX86 else {
      return (0..<4).map { b.arithmeticShiftRight(b.shiftLeft(groups, 24 - 8 * $0), 24) }
    }
    let pairs = b.bitcast(groups, to: b.vector(2 * lanes, of: b.i16))
    return [b.arithmeticShiftRight(b.shiftLeft(pairs, 8), 8), b.arithmeticShiftRight(pairs, 8)]
  }

  func multiplyAdd(_ b: Builder, _ left: [Value], _ right: [Value], _ sum: Value) -> Value {
    if b.target.hasInt8Dot {
      return b.callAsDeclared("llvm.x86.avx512.vpdpbusd.512", [sum] + left + right)
    }
    guard b.target.isX86 else {
      return zip(left, right).reduce(sum) { b.wrappingAdd($0, b.wrappingMultiply($1.0, $1.1)) }
    }
    let name =
      switch b.target.lanes {
      case 16: "llvm.x86.avx512.pmaddw.d.512"
      case 8: "llvm.x86.avx2.pmadd.wd"
      default: "llvm.x86.sse2.pmadd.wd"
      }
    return zip(left, right).reduce(sum) { b.wrappingAdd($0, b.intrinsic(name, [], [$1.0, $1.1])) }
  }

  func preparation(of rows: LeftRows) -> (any PreparedRow)? {
    IntegerRow(
      columns: rows.columns, element: rows.element, epsilon: rows.epsilon,
      hadamardSize: rows.hadamardSize)
  }

  /// Stores the first `count` of the products of floats, which lie between 0 and 255, rounded to
  /// integers: elements of a left operand.
  static func storeLeft(
    _ b: Builder, _ value: Value, times factor: Value, _ address: Value, count: Int
  ) {
    let lanes = b.lanes(of: value)
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    let bits = b.bitcast(
      b.multiplyAdd(value, factor, b.floats(12_582_912, lanes)), to: b.vector(lanes, of: b.i32))
    b.storeMasked(
      b.truncate(bits, to: b.vector(lanes, of: b.i8)), address, count: count, alignment: 1)
  }
}
