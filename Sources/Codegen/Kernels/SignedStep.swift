import IR

/// Numbers quantized to -127...127 times a step (``SignedIntegers``), in the registers.
struct SignedStep {
  /// What an integer stands for, and what a number is multiplied by.
  let step: Value
  let inverse: Value

  /// Emits them for numbers of this largest magnitude.
  ///
  /// - Parameters:
  ///   - poison: zero; not a number where one of the numbers was not finite.
  ///   - lanes: of vectors, each lane for itself; `nil`: of scalars.
  init(_ b: Builder, largest: Value, poison: Value, lanes: Int? = nil) {
    func like(_ number: Float) -> Value { lanes.map { b.floats(number, $0) } ?? b.float(number) }
    let isSmall = b.lessFloat(largest, like(SignedIntegers.least))
    step = b.addFloat(
      b.select(isSmall, like(1), b.divideFloat(largest, like(127))), poison)
    inverse = b.select(isSmall, like(0), b.divideFloat(like(127), largest))
  }

  /// Emits the integers of a vector: as the low bits of words, and as floats.
  static func integers(
    _ b: Builder, _ x: Value, inverse: Value
  ) -> (words: Value, floats: Value) {
    let lanes = b.lanes(of: x)
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    let magic = b.floats(12_582_912, lanes)
    let shifted = b.multiplyAdd(x, inverse, magic)
    return (b.bitcast(shifted, to: b.vector(lanes, of: b.i32)), b.subtractFloat(shifted, magic))
  }
}
