internal import CLLVM

/// Products of 8-bit integers, four in each 32-bit lane: the left ones without a sign, the right
/// ones with one.
extension Builder {
  /// `sum[i] + a[4i] * b[4i] + … + a[4i + 3] * b[4i + 3]`, exact, from factors that
  /// ``byteFactors(left:)`` and ``byteFactors(right:)`` made.
  ///
  /// Without an instruction for it by products of 16 bits, which hold 255 * 127; instructions that
  /// add two such products in 16 bits would saturate.
  func multiplyAddBytes(_ a: [Value], _ b: [Value], _ sum: Value) -> Value {
    if target.multipliesFours {
      return callAsDeclared("llvm.x86.avx512.vpdpbusd.512", [sum] + a + b)
    }
    guard target.isX86 else {
      return zip(a, b).reduce(sum) { wrappingAdd($0, wrappingMultiply($1.0, $1.1)) }
    }
    let name =
      switch target.lanes {
      case 16: "llvm.x86.avx512.pmaddw.d.512"
      case 8: "llvm.x86.avx2.pmadd.wd"
      default: "llvm.x86.sse2.pmadd.wd"
      }
    return zip(a, b).reduce(sum) { wrappingAdd($0, intrinsic(name, [], [$1.0, $1.1])) }
  }

  /// Words of four integers without sign as ``multiplyAddBytes(_:_:_:)`` takes them.
  func byteFactors(left words: Value) -> [Value] {
    if target.multipliesFours { return [words] }
    let lanes = lanes(of: words)
    guard target.isX86 else {
      return (0..<4).map { and(shiftRight(words, 8 * $0), integers(0xff, lanes)) }
    }
    let mask = integers(0x00ff_00ff, lanes)
    return [and(words, mask), and(shiftRight(words, 8), mask)].map {
      bitcast($0, to: vector(2 * lanes, of: i16))
    }
  }

  /// Words of four integers with sign likewise.
  func byteFactors(right words: Value) -> [Value] {
    if target.multipliesFours { return [words] }
    let lanes = lanes(of: words)
    guard target.isX86 else {
      return (0..<4).map {
        arithmeticShiftRight(shiftLeft(words, 24 - 8 * $0), integers(24, lanes))
      }
    }
    let pairs = bitcast(words, to: vector(2 * lanes, of: i16))
    let eight = constantVector(
      Array(
        repeating: Value(reference: LLVMConstInt(i16.reference, 8, 0)), count: 2 * lanes))
    let raised = Value(reference: LLVMBuildShl(builder, pairs.reference, eight.reference, ""))
    return [arithmeticShiftRight(raised, eight), arithmeticShiftRight(pairs, eight)]
  }

  /// Integers as floats.
  func asFloats(_ integers: Value) -> Value {
    Value(
      reference: LLVMBuildSIToFP(
        builder, integers.reference, floats(lanes(of: integers)).reference, ""))
  }

  /// Stores the first `count` of the products, which lie between 0 and 255, rounded to integers, as
  /// bytes.
  func storeBytes(_ value: Value, times factor: Value, _ address: Value, count: Int) {
    let lanes = lanes(of: value)
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    let bits = bitcast(
      multiplyAdd(value, factor, floats(12_582_912, lanes)), to: vector(lanes, of: i32))
    let bytes = Value(
      reference: LLVMBuildTrunc(builder, bits.reference, vector(lanes, of: i8).reference, ""))
    guard count < lanes else { return store(bytes, address, alignment: 1) }
    let typed = bitcast(address, to: pointer(to: type(of: bytes)))
    _ = intrinsic(
      "llvm.masked.store", [type(of: bytes), type(of: typed)],
      [bytes, typed, constant32(1), mask(first: count, of: lanes)])
  }

  private func wrappingMultiply(_ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildMul(builder, a.reference, b.reference, ""))
  }

  private func arithmeticShiftRight(_ a: Value, _ bits: Value) -> Value {
    Value(reference: LLVMBuildAShr(builder, a.reference, bits.reference, ""))
  }
}
