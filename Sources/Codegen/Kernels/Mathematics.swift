internal import CLLVM
import IR

/// Elementary functions as polynomials on vectors.
///
/// Coefficients are minimax fits in double (iteratively reweighted least squares on Chebyshev
/// nodes, `numpy.linalg.lstsq`), rounded to single precision; the errors stated hold for evaluation
/// in single precision and are measured by the tests.
extension Builder {
  /// The polynomial with these coefficients, constant first, by Horner's rule.
  func polynomial(_ coefficients: [Float], _ x: Value) -> Value {
    let lanes = lanes(of: x)
    guard let last = coefficients.last else { return floats(0, lanes) }
    return coefficients.dropLast().reversed().reduce(floats(last, lanes)) {
      multiplyAdd($0, x, floats($1, lanes))
    }
  }

  /// `2^x`, relative error at most 2e-7 for x in -126...127; clamped beyond.
  ///
  /// `x = n + f`, n the nearest integer; `2^f` by a polynomial (fit error 9.2e-8, exact at 0),
  /// `2^n` by adding n to the exponent bits. Adding 1.5 * 2^23 rounds x to an integer and leaves n
  /// in the low bits.
  func exp2(_ x: Value) -> Value {
    exp2OfNegative(minimumFloat(floats(127, lanes(of: x)), x))
  }

  /// `2^x` for x up to 127, and infinity for 128: one clamp less.
  func exp2OfNegative(_ x: Value) -> Value {
    let lanes = lanes(of: x)
    // What is not a number stays so.
    let clamped = maximumFloat(floats(-126, lanes), x)
    let (_, shifted, power) = splitExp2(clamped)
    let integers = vector(lanes, of: i32)
    let exponent = shiftLeft(bitcast(shifted, to: integers), 23)
    return bitcast(
      wrappingAdd(bitcast(power, to: integers), exponent), to: floats(lanes))
  }

  /// `2^x` for x in -126...127, at the least cost; beyond, some value that is not between zero and
  /// 2^127 or close to zero.
  ///
  /// AVX-512 multiplies by powers of two in one instruction, which knows overflow and underflow, so
  /// nothing is clamped there.
  func exp2InRange(_ x: Value) -> Value {
    guard scalesByPowers(x) else { return exp2(x) }
    let (integer, _, power) = splitExp2(x)
    return scaled(power, integer)
  }

  /// `true` iff the target has instructions that take a vector's whole parts off and multiply by
  /// powers of two: AVX-512.
  func scalesByPowers(_ x: Value) -> Bool {
    target.vectorUnit == "avx512" && lanes(of: x) == 16
  }

  /// `2^x` with a relative error of at most 8e-5, for powers that are rounded to bf16 next, where
  /// the target ``scalesByPowers(_:)``; beyond the range of floats 0 or infinity.
  ///
  /// The whole part is taken off in one instruction, and added to the exponent in another; the
  /// polynomial of what is between 0 and 1 has 4 terms.
  func shortExp2(_ x: Value) -> Value {
    // 1: the whole part is rounded down; 8: no exceptions.
    let fraction = intrinsic(
      "llvm.x86.avx512.mask.reduce.ps.512", [],
      [x, constant32(9), x, allLanes, constant32(4)])
    let power = polynomial(
      [0.9999251961708069, 0.6958335638046265, 0.22606715559959412, 0.07802452147006989], fraction)
    return scaled(power, x)
  }

  /// `power * 2^(x rounded down)`, which knows overflow and underflow, for AVX-512.
  private func scaled(_ power: Value, _ x: Value) -> Value {
    // 4: rounding as the control register says, no exceptions changed.
    intrinsic(
      "llvm.x86.avx512.mask.scalef.ps.512", [], [power, x, power, allLanes, constant32(4)])
  }

  /// The mask of AVX-512's instructions that leaves no lane out.
  var allLanes: Value { Value(reference: LLVMConstInt(i16.reference, 0xffff, 0)) }

  /// Splits x into n, the nearest integer, and `2^(x - n)`; the low bits of `shifted` are n too.
  private func splitExp2(_ x: Value) -> (integer: Value, shifted: Value, power: Value) {
    let magic = floats(12_582_912, lanes(of: x))
    let shifted = addFloat(x, magic)
    let integer = subtractFloat(shifted, magic)
    let power = polynomial(
      [
        1, 0.6931470036506653, 0.24022242426872253, 0.05550733581185341, 0.009671512991189957,
        0.001326472731307149,
      ], subtractFloat(x, integer))
    return (integer, shifted, power)
  }

  /// `e^x`, relative error at most 2e-7 * (1 + |x| / 2): x is scaled by log2(e) in one rounding.
  func exp(_ x: Value) -> Value {
    exp2(multiplyFloat(x, floats(1.4426950408889634, lanes(of: x))))
  }

  /// `1 / (1 + e^-x)`, absolute error at most 3e-7; 0 where the power is beyond the range of
  /// floats, so that a gate of -1e38 is zero as well.
  func sigmoid(_ x: Value) -> Value {
    let lanes = lanes(of: x)
    // The power of 128 is infinity.
    let exponent = minimumFloat(
      floats(128, lanes), multiplyFloat(x, floats(-1.4426950408889634, lanes)))
    let power = exp2OfNegative(exponent)
    return divideFloat(floats(1, lanes), addFloat(power, floats(1, lanes)))
  }

  /// `tanh x = 1 - 2 / (1 + e^2x)`, absolute error at most 5e-7.
  func tanh(_ x: Value) -> Value {
    let lanes = lanes(of: x)
    let power = exp2(multiplyFloat(x, floats(2.8853900817779268, lanes)))
    return subtractFloat(
      floats(1, lanes), divideFloat(floats(2, lanes), addFloat(power, floats(1, lanes))))
  }

  /// GELU in its exact form, absolute error at most 1e-6.
  ///
  /// `max(x, 0) - a * Phi(-a)` with `a = min(|x|, 5.2)` and `Phi(-a) = 1/2 - a * P(t)`,
  /// `t = 2 a^2 / 5.2^2 - 1`: 14 terms, fit error 1.5e-7, and `5.2 * Phi(-5.2) = 5.2e-7` is all
  /// that the clamp leaves. The correction is bounded, so large |x| keep full precision.
  func geluErf(_ x: Value) -> Value {
    let lanes = lanes(of: x)
    let magnitude = minimumFloat(absolute(x), floats(5.2, lanes))
    let t = multiplyAdd(
      multiplyFloat(magnitude, magnitude), floats(0.07396449704142011, lanes), floats(-1, lanes))
    let p = polynomial(
      [
        0.1359499841928482, -0.06774362176656723, 0.050025615841150284, -0.03993198648095131,
        0.03197391703724861, -0.02469884231686592, 0.01803876832127571, -0.01261964999139309,
        0.008365105837583542, -0.004542335867881775, 0.0020051696337759495,
        -0.00146875053178519, 0.0011886900756508112, -0.00038824378862045705,
      ], t)
    let tail = multiplyAdd(negate(magnitude), p, floats(0.5, lanes))
    // What is not a number stays so, and minus infinity becomes so, as in PyTorch: a sum that has
    // left the range of floats may have been any number.
    let positive = multiplyAdd(x, floats(0, lanes), maximumFloat(floats(0, lanes), x))
    return multiplyAdd(negate(magnitude), tail, positive)
  }

  /// Applies an activation; what is not a number stays so.
  ///
  /// Absolute errors: 1e-6 for GELU's exact form, else 4e-7 * max(1, |x|).
  func activate(_ activation: ActivationFunction?, _ x: Value) -> Value {
    let lanes = lanes(of: x)
    switch activation {
    case nil: return x
    case .gelu: return geluErf(x)
    case .geluTanh:
      // (1 + tanh u) / 2 = sigmoid(2u); u = sqrt(2 / pi) * x * (1 + 0.044715 * x^2)
      let square = multiplyFloat(x, x)
      let twice = multiplyFloat(
        multiplyFloat(x, floats(1.5957691216057308, lanes)),
        multiplyAdd(square, floats(0.044715, lanes), floats(1, lanes)))
      return multiplyFloat(x, sigmoid(twice))
    case .quickGelu: return multiplyFloat(x, sigmoid(multiplyFloat(x, floats(1.702, lanes))))
    case .silu: return multiplyFloat(x, sigmoid(x))
    case .relu: return maximumFloat(floats(0, lanes), x)
    case .tanh: return tanh(x)
    }
  }
}
