internal import CLLVM

/// Double precision, and conversions.
extension Builder {
  var f64: ValueType { ValueType(reference: LLVMDoubleTypeInContext(context)) }

  /// A vector of `lanes` doubles.
  func doubles(_ lanes: Int) -> ValueType { vector(lanes, of: f64) }

  /// A constant whose `lanes` lanes are all `value`.
  func doubles(_ value: Double, _ lanes: Int) -> Value {
    let scalar = Value(reference: LLVMConstReal(f64.reference, value))
    return lanes == 1 ? scalar : constantVector(Array(repeating: scalar, count: lanes))
  }

  /// Floats as doubles.
  func double(_ a: Value) -> Value {
    Value(
      reference: LLVMBuildFPExt(builder, a.reference, doubles(lanes(of: a)).reference, ""))
  }

  /// Doubles rounded to floats.
  func single(_ a: Value) -> Value {
    Value(
      reference: LLVMBuildFPTrunc(builder, a.reference, floats(lanes(of: a)).reference, ""))
  }

  /// An integer that is not negative as a float.
  func float(of a: Value) -> Value {
    Value(reference: LLVMBuildUIToFP(builder, a.reference, f32.reference, ""))
  }
}
