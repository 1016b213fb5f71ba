import IR

/// Activations for results that are rounded to bf16 next: their errors, relative to the value, are
/// below half of those of the rounding (2^-9), however small the value is.
///
/// A gate falls by orders of magnitude for negative arguments. A weight after it may take them
/// back, so an error that is small beside the largest values would not do.
extension Builder {
  /// Applies an activation; `nil`: there is no briefer form than the usual one, whose errors are
  /// relative to the value too.
  func activateBriefly(_ activation: ActivationFunction?, _ x: Value) -> Value? {
    switch activation {
    case .gelu: return geluByPower(x)
    case .geluTanh:
      return gateByPower(x) { log2e in
        // sqrt(2 / pi) and 0.044715 of the definition, doubled: (1 + tanh u) / 2 = sigmoid(2u).
        let (linear, cubic) = (1.5957691216057308 * log2e, 0.0713548162726009 * log2e)
        let square = multiplyFloat(x, x)
        return multiplyFloat(
          x,
          multiplyAdd(
            square, floats(Float(-cubic), lanes(of: x)), floats(Float(-linear), lanes(of: x))))
      }
    case .quickGelu:
      return gateByPower(x) { multiplyFloat(x, floats(Float(-1.702 * $0), lanes(of: x))) }
    case .silu: return gateByPower(x) { multiplyFloat(x, floats(Float(-$0), lanes(of: x))) }
    case .relu, .tanh, nil: return nil
    }
  }

  /// GELU in its exact form, `max(x, 0) - a * Phi(-a)` with `a = |x|`: relative error at most 1e-3
  /// where the result is above 2^-126, at most 4.4e-4 for x above -4.
  ///
  /// `Phi(-a) = 2^p(a)`: the logarithm of a tail is nearly a parabola. `p` is a minimax fit over
  /// 0...13.2, where the power leaves the range of floats, and falls beyond: by linear programming
  /// (`scipy.optimize.linprog`), with error 3.6e-4 up to 3.5 and 8.6e-4 from there.
  private func geluByPower(_ x: Value) -> Value {
    let lanes = lanes(of: x)
    let positive = maximumFloat(floats(0, lanes), x)
    guard scalesByPowers(x) else {
      // The power has a least value here, and `a` must not make anything of it. What is not finite
      // stays visible: PyTorch's GELU of minus infinity is not a number.
      let magnitude = minimumFloat(floats(13.2, lanes), absolute(x))
      let power = exp2OfNegative(polynomial(Self.logarithmOfTail, magnitude))
      return multiplyAdd(
        x, floats(0, lanes), multiplyAdd(negate(magnitude), power, positive))
    }
    let magnitude = absolute(x)
    let power = shortExp2(polynomial(Self.logarithmOfTail, magnitude))
    return multiplyAdd(negate(magnitude), power, positive)
  }

  /// The base-2 logarithm of `Phi(-a)`, constant first.
  private static let logarithmOfTail: [Float] = [
    -1.0005172491073608, -1.1452913284301758, -0.46965914964675903, -0.04604886844754219,
    0.005832461640238762, -0.0004618414386641234, 2.0263709302525967e-05, -3.732749007667735e-07,
  ]

  /// `x / (1 + 2^z)`, relative error at most 1.5e-4; `nil`: the target gains nothing by it.
  ///
  /// - Parameter exponent: makes `z`; gets log2(e).
  private func gateByPower(_ x: Value, _ exponent: (_ log2e: Double) -> Value) -> Value? {
    guard scalesByPowers(x) else { return nil }
    let sum = addFloat(floats(1, lanes(of: x)), shortExp2(exponent(1.4426950408889634)))
    // The inverse with 14 bits.
    let inverse = intrinsic("llvm.x86.avx512.rcp14.ps.512", [], [sum, sum, allLanes])
    return multiplyFloat(x, inverse)
  }
}
