import IR

/// The scale of numbers that become integers of -127...127 (``Quantize``), in the registers.
struct SignedStep {
  /// What an integer stands for, and its inverse, by which a number is multiplied.
  let step: Value
  let inverse: Value

  /// Emits them for numbers of this largest magnitude.
  ///
  /// - Parameters:
  ///   - poison: zero; not a number where one of the numbers was not finite.
  ///   - lanes: of vectors, each lane for itself; `nil`: of scalars.
  init(_ b: Builder, largest: Value, poison: Value, lanes: Int? = nil) {
    func like(_ number: Float) -> Value { lanes.map { b.floats(number, $0) } ?? b.float(number) }
    let scale = b.divideFloat(largest, like(127))
    let isSmall = b.lessFloat(scale, like(.leastNormalMagnitude))
    let normal = b.select(isSmall, like(1), scale)
    step = b.addFloat(normal, poison)
    inverse = b.divideFloat(like(1), normal)
  }

  /// Emits the integers of a vector: as the low bits of words, and as floats.
  static func integers(
    _ b: Builder, _ x: Value, inverse: Value
  ) -> (words: Value, floats: Value) {
    let lanes = b.lanes(of: x)
    // The sum is an integer, which its low bits are.
    let magic = b.floats(.withoutFraction, lanes)
    let shifted = b.multiplyAdd(x, inverse, magic)
    return (b.bitcast(shifted, to: b.vector(lanes, of: b.i32)), b.subtractFloat(shifted, magic))
  }
}
