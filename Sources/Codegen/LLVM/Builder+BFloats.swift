internal import CLLVM
import IR

/// Numbers of bf16: the upper halves of floats.
extension Builder {
  /// Loads the first `count` of `lanes` elements as floats; the others are zero and their memory is
  /// not read.
  ///
  /// `address` is aligned to an element.
  func loadElements(_ element: ElementType, _ address: Value, _ lanes: Int, count: Int) -> Value {
    guard element == .bf16 else { return loadFloats(address, lanes, count: count) }
    return widened(loadHalves(address, lanes, count: count))
  }

  /// Stores the first `count` lanes of floats, rounded to `element`.
  func storeElements(_ element: ElementType, _ value: Value, _ address: Value, count: Int) {
    guard element == .bf16 else { return storeFloats(value, address, count: count) }
    let lanes = lanes(of: value)
    let halves = roundedToBF16(value)
    guard count < lanes else { return store(halves, address, alignment: 2) }
    let typed = bitcast(address, to: pointer(to: type(of: halves)))
    _ = intrinsic(
      "llvm.masked.store", [type(of: halves), type(of: typed)],
      [halves, typed, constant32(2), mask(first: count, of: lanes)])
  }

  /// Loads the first `count` of `lanes` 16-bit integers; the others are zero and their memory is
  /// not read.
  func loadHalves(_ address: Value, _ lanes: Int, count: Int) -> Value {
    let type = vector(lanes, of: i16)
    guard count < lanes else { return load(type, address, alignment: 2) }
    let typed = bitcast(address, to: pointer(to: type))
    return intrinsic(
      "llvm.masked.load", [type, self.type(of: typed)],
      [
        typed, constant32(2), mask(first: count, of: lanes),
        Value(reference: LLVMConstNull(type.reference)),
      ])
  }

  /// Floats of their upper halves.
  func widened(_ halves: Value) -> Value {
    let lanes = lanes(of: halves)
    return bitcast(shiftLeft(zeroExtended(halves), 16), to: floats(lanes))
  }

  /// 16-bit integers as 32-bit ones.
  func zeroExtended(_ halves: Value) -> Value {
    Value(
      reference: LLVMBuildZExt(
        builder, halves.reference, vector(lanes(of: halves), of: i32).reference, ""))
  }

  /// The upper halves of floats rounded to the nearest bf16, of two to the even one.
  ///
  /// The instruction for it takes numbers below 2^-126, which have no place in a model, for zero.
  func roundedToBF16(_ value: Value) -> Value {
    let lanes = lanes(of: value)
    let halves = vector(lanes, of: i16)
    if target.multipliesPairs, lanes == 16 {
      return bitcast(
        intrinsic("llvm.x86.avx512bf16.cvtneps2bf16.512", [], [value]), to: halves)
    }
    let bits = bitcast(value, to: vector(lanes, of: i32))
    let last = and(shiftRight(bits, 16), integers(1, lanes))
    let rounded = wrappingAdd(bits, wrappingAdd(last, integers(0x7fff, lanes)))
    let quiet = or(bits, integers(0x40_0000, lanes))
    let upper = shiftRight(select(isNumber(value), rounded, quiet), 16)
    return Value(reference: LLVMBuildTrunc(builder, upper.reference, halves.reference, ""))
  }

  /// `sum[i] + a[2i] * b[2i] + a[2i + 1] * b[2i + 1]` of bf16, two in each 32-bit lane, from
  /// factors that ``pairFactors(_:)`` made.
  ///
  /// Where the target has no instruction for it, by two multiplications of floats.
  func multiplyAddPairs(_ a: [Value], _ b: [Value], _ sum: Value) -> Value {
    guard target.multipliesPairs else {
      return zip(a, b).reduce(sum) { multiplyAdd($1.0, $1.1, $0) }
    }
    return callAsDeclared("llvm.x86.avx512bf16.dpbf16ps.512", [sum] + a + b)
  }

  /// Words of two bf16 each as ``multiplyAddPairs(_:_:_:)`` takes them: as they are, or the first
  /// of each and the second of each as floats.
  func pairFactors(_ words: Value) -> [Value] {
    if target.multipliesPairs { return [words] }
    let lanes = lanes(of: words)
    return [shiftLeft(words, 16), and(words, integers(-0x1_0000, lanes))].map {
      bitcast($0, to: floats(lanes))
    }
  }

  /// Calls an intrinsic that is not overloaded, with arguments of the types' sizes: LLVM 14 says
  /// integers where later ones say bf16.
  func callAsDeclared(_ name: String, _ arguments: [Value]) -> Value {
    let id = LLVMLookupIntrinsicID(name, name.utf8.count)
    let type = LLVMIntrinsicGetType(context, id, nil, 0)
    var parameters: [LLVMTypeRef?] = Array(repeating: nil, count: arguments.count)
    LLVMGetParamTypes(type, &parameters)
    var cast: [Value] = []
    for (argument, parameter) in zip(arguments, parameters) {
      guard let parameter else { continue }
      cast.append(bitcast(argument, to: ValueType(reference: parameter)))
    }
    return intrinsic(name, [], cast)
  }

  private func isNumber(_ value: Value) -> Value {
    Value(
      reference: LLVMBuildFCmp(builder, LLVMRealORD, value.reference, value.reference, ""))
  }

  func or(_ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildOr(builder, a.reference, b.reference, ""))
  }

  func shiftRight(_ a: Value, _ bits: Int) -> Value {
    Value(
      reference: LLVMBuildLShr(
        builder, a.reference, integers(bits, lanes(of: a)).reference, ""))
  }
}
