import IR

/// 8-bit integers: a group is four, without a sign on the left, with one on the right.
///
/// Products are exact. With the target's instruction for it a step multiplies groups; on other
/// x86 processors it makes products of 16 bits, which hold 255 * 127, where an instruction that
/// adds two of them in 16 bits would saturate; elsewhere it multiplies the elements one by one.
///
/// Arm's `usmmla` multiplies two rows by two columns of two groups each, which matmuls of many rows
/// arrange so (``Arrangement/paired``). Arm's `sdot` takes both sides with a sign: there the left
/// ones are stored as `q - 128`, and what a sum lacks, 128 times the sum of its column of weights,
/// is added when it is complete (``correction(_:scale:scaledSum:)``).
struct S8Format: PairFormat {
  var element: ElementType { .s8 }
  var sumsIntegers: Bool { true }

  /// The elements of a sum that there may be on a target; `nil`: as many as may be at all.
  static func mostDepth(on target: Target) -> Int? {
    target.int8Dot == .sdot ? (1 << 22 - 1) / 127 : nil
  }

  func groupType(_ b: Builder) -> ValueType { b.i32 }

  func multipliesByLane(on target: Target) -> Bool { !target.isX86 && target.int8Dot != nil }

  func left(_ b: Builder, _ groups: Value) -> [Value] {
    if b.target.int8Dot != nil { return [groups] }
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
    if b.target.int8Dot != nil { return [groups] }
    let lanes = b.lanes(of: groups)
    guard b.target.isX86 else {
      return (0..<4).map { b.arithmeticShiftRight(b.shiftLeft(groups, 24 - 8 * $0), 24) }
    }
    let pairs = b.bitcast(groups, to: b.vector(2 * lanes, of: b.i16))
    return [b.arithmeticShiftRight(b.shiftLeft(pairs, 8), 8), b.arithmeticShiftRight(pairs, 8)]
  }

  func parts(on target: Target) -> Int { target.int8Dot != nil ? 1 : target.isX86 ? 2 : 4 }

  func part(_ b: Builder, _ words: Value) -> Value {
    guard b.target.int8Dot == nil, b.target.isX86 else { return words }
    return b.bitcast(words, to: b.vector(2 * b.lanes(of: words), of: b.i16))
  }

  func multiplyAdd(_ b: Builder, _ left: [Value], _ right: [Value], _ sum: Value) -> Value {
    switch b.target.int8Dot {
    case .vpdpbusd:
      return b.callAsDeclared(
        "llvm.x86.avx512.vpdpbusd.\(32 * b.target.lanes)", [sum] + left + right)
    // What is repeated over a vector becomes a lane as the first operand of `usdot` (`sudot` with
    // its operands the other way round), and as the last of `sdot`.
    case .usdot: return arm(b, "usdot", sum, left + right)
    case .sdot: return arm(b, "sdot", sum, right + left)
    case nil: break
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

  func multiplyPairs(_ b: Builder, _ left: Value, _ right: Value, _ sum: Value) -> Value {
    arm(b, "usmmla", sum, [left, right])
  }

  /// Emits an instruction of Arm's that adds products of bytes to four sums.
  private func arm(_ b: Builder, _ name: String, _ sum: Value, _ operands: [Value]) -> Value {
    let bytes = b.vector(16, of: b.i8)
    return b.intrinsic(
      "llvm.aarch64.neon.\(name)", [b.vector(4, of: b.i32), bytes],
      [sum] + operands.map { b.bitcast($0, to: bytes) })
  }

  func preparation(of rows: LeftRows) -> (any PreparedRow)? {
    IntegerRow(
      columns: rows.columns, element: rows.element, epsilon: rows.epsilon,
      hadamardSize: rows.hadamardSize)
  }

  /// What sums of a vector of columns lack: zero, but where left elements are stored less 128.
  ///
  /// The sum of a column of weights is found from what `quantization_parameters` says of it, its
  /// scale and their product rounded to a float: the quotient is off by 2^-23 of it at most, so
  /// that rounded it is exact below 2^22, which sums of ``mostDepth`` weights are.
  static func correction(_ b: Builder, scale: Value, scaledSum: Value) -> Value? {
    guard b.target.int8Dot == .sdot else { return nil }
    let lanes = b.lanes(of: scale)
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits, above which are those
    // of the constant; what a shift leaves of these is subtracted.
    let sum = b.bitcast(
      b.addFloat(b.divideFloat(scaledSum, scale), b.floats(12_582_912, lanes)),
      to: b.vector(lanes, of: b.i32))
    let constant = Int32(truncatingIfNeeded: Int(Float(12_582_912).bitPattern) << 7)
    return b.wrappingAdd(b.shiftLeft(sum, 7), b.integers(Int(0 &- constant), lanes))
  }

  /// Stores the first `count` of the products of floats, which lie between 0 and 255, rounded to
  /// integers: elements of a left operand, where `sdot` multiplies less 128.
  static func storeLeft(
    _ b: Builder, _ value: Value, times factor: Value, _ address: Value, count: Int
  ) {
    let lanes = b.lanes(of: value)
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits; an even number less,
    // ties go the same way.
    let zero: Float = b.target.int8Dot == .sdot ? 128 : 0
    let bits = b.bitcast(
      b.multiplyAdd(value, factor, b.floats(12_582_912 - zero, lanes)),
      to: b.vector(lanes, of: b.i32))
    b.storeMasked(
      b.truncate(bits, to: b.vector(lanes, of: b.i8)), address, count: count, alignment: 1)
  }
}
