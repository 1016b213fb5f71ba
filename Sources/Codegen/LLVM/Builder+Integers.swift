internal import CLLVM

/// Integers, in scalars and vectors alike, and their conversions.
extension Builder {
  func add(_ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildNSWAdd(builder, a.reference, b.reference, ""))
  }

  func subtract(_ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildNSWSub(builder, a.reference, b.reference, ""))
  }

  func multiply(_ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildNSWMul(builder, a.reference, b.reference, ""))
  }

  /// What the names of integers begin with that may be too large and wrap around: LLVM's C
  /// interface does not say so of an instruction, and functions are compared (``FunctionReader``).
  static let wrapping = "wrapping"

  /// Addition modulo 2^n.
  func wrappingAdd(_ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildAdd(builder, a.reference, b.reference, Self.wrapping))
  }

  /// Multiplication modulo 2^n.
  func wrappingMultiply(_ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildMul(builder, a.reference, b.reference, Self.wrapping))
  }

  /// The quotient of two values that are not negative.
  func divide(_ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildUDiv(builder, a.reference, b.reference, ""))
  }

  /// The remainder of two values that are not negative.
  func remainder(_ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildURem(builder, a.reference, b.reference, ""))
  }

  func shiftLeft(_ a: Value, _ bits: Int) -> Value {
    Value(reference: LLVMBuildShl(builder, a.reference, repeated(bits, like: a), ""))
  }

  /// Shifts zeros in.
  func shiftRight(_ a: Value, _ bits: Int) -> Value {
    Value(reference: LLVMBuildLShr(builder, a.reference, repeated(bits, like: a), ""))
  }

  /// Shifts copies of the sign in.
  func arithmeticShiftRight(_ a: Value, _ bits: Int) -> Value {
    Value(reference: LLVMBuildAShr(builder, a.reference, repeated(bits, like: a), ""))
  }

  func and(_ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildAnd(builder, a.reference, b.reference, ""))
  }

  func or(_ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildOr(builder, a.reference, b.reference, ""))
  }

  func not(_ a: Value) -> Value { Value(reference: LLVMBuildNot(builder, a.reference, "")) }

  func minimum(_ a: Value, _ b: Value) -> Value { select(less(a, b), a, b) }
  func maximum(_ a: Value, _ b: Value) -> Value { select(less(a, b), b, a) }

  func less(_ a: Value, _ b: Value) -> Value { compare(LLVMIntSLT, a, b) }
  func equal(_ a: Value, _ b: Value) -> Value { compare(LLVMIntEQ, a, b) }
  func notEqual(_ a: Value, _ b: Value) -> Value { compare(LLVMIntNE, a, b) }

  private func compare(_ predicate: LLVMIntPredicate, _ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildICmp(builder, predicate, a.reference, b.reference, ""))
  }

  /// A 64-bit integer of the same value and sign.
  func signExtend(_ a: Value) -> Value {
    Value(reference: LLVMBuildSExt(builder, a.reference, i64.reference, ""))
  }

  /// Integers without sign of a wider type.
  func zeroExtend(_ a: Value, to type: ValueType) -> Value {
    Value(reference: LLVMBuildZExt(builder, a.reference, type.reference, ""))
  }

  /// The low bits.
  func truncate(_ a: Value, to type: ValueType) -> Value {
    Value(reference: LLVMBuildTrunc(builder, a.reference, type.reference, ""))
  }

  /// 32-bit integers as floats.
  func asFloats(_ integers: Value) -> Value {
    Value(
      reference: LLVMBuildSIToFP(
        builder, integers.reference, floats(lanes(of: integers)).reference, ""))
  }

  /// A constant of the type of `value` whose lanes are all `constant`.
  private func repeated(_ constant: Int, like value: Value) -> LLVMValueRef? {
    let type = LLVMTypeOf(value.reference)
    let lanes = lanes(of: value)
    let lane = lanes == 1 ? type : LLVMGetElementType(type)
    let scalar = Value(reference: LLVMConstInt(lane, UInt64(bitPattern: Int64(constant)), 1))
    return lanes == 1
      ? scalar.reference : constantVector(Array(repeating: scalar, count: lanes)).reference
  }
}
