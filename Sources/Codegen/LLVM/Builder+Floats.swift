internal import CLLVM

/// Floating point, on scalars and vectors alike.
extension Builder {
  func addFloat(_ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildFAdd(builder, a.reference, b.reference, ""))
  }

  func subtractFloat(_ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildFSub(builder, a.reference, b.reference, ""))
  }

  func multiplyFloat(_ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildFMul(builder, a.reference, b.reference, ""))
  }

  func divideFloat(_ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildFDiv(builder, a.reference, b.reference, ""))
  }

  /// `a * b + c`, rounded once where the target has fused multiply-add, twice elsewhere.
  func multiplyAdd(_ a: Value, _ b: Value, _ c: Value) -> Value {
    target.hasFMA
      ? intrinsic("llvm.fma", [type(of: a)], [a, b, c]) : addFloat(multiplyFloat(a, b), c)
  }

  func negate(_ a: Value) -> Value {
    Value(reference: LLVMBuildFNeg(builder, a.reference, ""))
  }

  /// The larger; `b` where either is not a number.
  func maximumFloat(_ a: Value, _ b: Value) -> Value { select(compare(LLVMRealOGT, a, b), a, b) }

  /// The smaller; `b` where either is not a number.
  func minimumFloat(_ a: Value, _ b: Value) -> Value { select(compare(LLVMRealOLT, a, b), a, b) }

  /// The largest of some values; not a number where one of them is not.
  func maximumOrNaN(_ values: [Value]) -> Value {
    let areNumbers = pairwise(
      stride(from: 0, to: values.count, by: 2).map {
        compare(LLVMRealORD, values[$0], values[min($0 + 1, values.count - 1)])
      }, and)
    let largest = pairwise(values, maximumFloat)
    return select(areNumbers, largest, floats(.nan, lanes(of: largest)))
  }

  /// `a < b`; false where either is not a number.
  func lessFloat(_ a: Value, _ b: Value) -> Value { compare(LLVMRealOLT, a, b) }

  /// `true` where a value is a number.
  func isNumber(_ a: Value) -> Value { compare(LLVMRealORD, a, a) }

  private func compare(_ predicate: LLVMRealPredicate, _ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildFCmp(builder, predicate, a.reference, b.reference, ""))
  }

  func absolute(_ a: Value) -> Value { intrinsic("llvm.fabs", [type(of: a)], [a]) }
  func squareRoot(_ a: Value) -> Value { intrinsic("llvm.sqrt", [type(of: a)], [a]) }

  /// A vector whose lanes are all `scalar`.
  func splat(_ scalar: Value, _ lanes: Int) -> Value {
    guard lanes > 1 else { return scalar }
    let first = LLVMBuildInsertElement(
      builder, LLVMGetUndef(vector(lanes, of: type(of: scalar)).reference), scalar.reference,
      constant32(0).reference, "")
    return Value(
      reference: LLVMBuildShuffleVector(
        builder, first, LLVMGetUndef(LLVMTypeOf(first)), integers(0, lanes).reference, ""))
  }

  /// The lanes of `a` (and then of `b`) that `lanes` names.
  func shuffle(_ a: Value, with b: Value? = nil, _ lanes: [Int]) -> Value {
    let other = b?.reference ?? LLVMGetUndef(LLVMTypeOf(a.reference))
    return Value(
      reference: LLVMBuildShuffleVector(
        builder, a.reference, other, constantVector(lanes.map { constant32($0) }).reference, ""))
  }

  func extract(_ a: Value, _ lane: Int) -> Value {
    guard LLVMGetTypeKind(LLVMTypeOf(a.reference)) == LLVMVectorTypeKind else { return a }
    return Value(
      reference: LLVMBuildExtractElement(
        builder, a.reference, constant32(lane).reference, ""))
  }

  /// Combines all lanes of `a` by halves: a fixed order, whatever the instruction set does.
  func reduce(_ a: Value, _ combine: (Value, Value) -> Value) -> Value {
    var value = a
    var count = lanes(of: a)
    while count > 1 {
      count /= 2
      value = combine(
        shuffle(value, Array(0..<count)), shuffle(value, Array(count..<2 * count)))
    }
    return extract(value, 0)
  }
}
